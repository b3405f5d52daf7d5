/**
 * Certificates out of a PKCS #7 bundle (RFC 2315, 9.1: SignedData), the form in which msquic hands
 * over a chain. Just enough DER for that.
 *
 * @module
 */

const TAG_SEQUENCE = 0x30;
const TAG_CONTEXT_0 = 0xa0;

/** One DER element: where its contents begin and end. */
interface Element {
  readonly tag: number;
  readonly start: number;
  readonly contents: number;
  readonly end: number;
}

/** The element at an index, or undefined if it does not lie within the limit. */
function elementAt(bytes: Uint8Array, start: number, limit: number): Element | undefined {
  if (start + 2 > limit) return undefined;
  let length = bytes[start + 1];
  let contents = start + 2;
  if (length >= 0x80) {
    const lengthBytes = length & 0x7f;
    if (lengthBytes === 0 || lengthBytes > 3 || contents + lengthBytes > limit) return undefined;
    length = 0;
    for (let i = 0; i < lengthBytes; i++) length = (length << 8) | bytes[contents + i];
    contents += lengthBytes;
  }
  const end = contents + length;
  return end > limit ? undefined : { tag: bytes[start], start, contents, end };
}

/** The elements inside another, as far as they are well-formed. */
function childrenOf(bytes: Uint8Array, parent: Element): Element[] {
  const children: Element[] = [];
  for (let at = parent.contents; at < parent.end;) {
    const child = elementAt(bytes, at, parent.end);
    if (child === undefined) break;
    children.push(child);
    at = child.end;
  }
  return children;
}

/**
 * The DER certificates in a PKCS #7 SignedData, in the order in which they are there; none if it is
 * something else.
 *
 * ```text
 * ContentInfo ::= SEQUENCE { contentType OID, content [0] SignedData }
 * SignedData  ::= SEQUENCE { version, digestAlgorithms, contentInfo, certificates [0], … }
 * ```
 */
export function certificatesOfPkcs7(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const contentInfo = elementAt(bytes, 0, bytes.length);
  if (contentInfo?.tag !== TAG_SEQUENCE) return [];
  const content = childrenOf(bytes, contentInfo)[1];
  if (content?.tag !== TAG_CONTEXT_0) return [];
  const signedData = childrenOf(bytes, content)[0];
  if (signedData?.tag !== TAG_SEQUENCE) return [];
  const certificates = childrenOf(bytes, signedData).find(({ tag }) => tag === TAG_CONTEXT_0);
  if (certificates === undefined) return [];
  return childrenOf(bytes, certificates)
    .filter(({ tag }) => tag === TAG_SEQUENCE)
    .map(({ start, end }) => bytes.slice(start, end));
}
