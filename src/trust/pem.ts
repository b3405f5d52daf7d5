/**
 * PEM (RFC 7468) in and out.
 *
 * @module
 */

/** The label of an X.509 certificate (RFC 7468, section 5). */
export const PEM_CERTIFICATE = "CERTIFICATE";
/** The label of a PKCS #8 private key (RFC 7468, section 10). */
export const PEM_PRIVATE_KEY = "PRIVATE KEY";

const LINE_CHARACTERS = 64;

/** The DER of every block with this label, in the file's order. Blocks that are no base64 are left out. */
export function pemToDer(text: string, label: string = PEM_CERTIFICATE): Uint8Array<ArrayBuffer>[] {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  let from = 0;
  while (true) {
    const start = text.indexOf(begin, from);
    if (start < 0) return blocks;
    const stop = text.indexOf(end, start);
    if (stop < 0) return blocks;
    const der = decodeBase64(text.slice(start + begin.length, stop).replace(/\s+/g, ""));
    if (der !== undefined) blocks.push(der);
    from = stop + end.length;
  }
}

/** One PEM block, with a line feed at its end. */
export function derToPem(der: Uint8Array, label: string = PEM_CERTIFICATE): string {
  const base64 = btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join(""));
  const lines = [`-----BEGIN ${label}-----`];
  for (let at = 0; at < base64.length; at += LINE_CHARACTERS) {
    lines.push(base64.slice(at, at + LINE_CHARACTERS));
  }
  lines.push(`-----END ${label}-----`, "");
  return lines.join("\n");
}

/** Whether these bytes are text with a PEM block of this label. */
export function isPem(bytes: Uint8Array, label: string = PEM_CERTIFICATE): boolean {
  return new TextDecoder("latin1").decode(bytes).includes(`-----BEGIN ${label}-----`);
}

/** Base64 as bytes; undefined when it is none, or empty. */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text === "" || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
