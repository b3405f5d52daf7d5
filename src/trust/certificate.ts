/**
 * What a certificate says, as far as it counts here (RFC 5280).
 *
 * Read by a parser of ASN.1 alone: a library that knows all of X.509 takes longer to load than everything
 * else that an endpoint needs before its first packet.
 *
 * @module
 */
import * as asn1 from "asn1js";
import { formatIp, IPV4_BYTES, IPV6_BYTES } from "../proto/ip.ts";

/** A subject alternative name of the two kinds that servers are asked by. */
export interface CertificateName {
  readonly type: "dns" | "ip";
  /** A host name as it stands there, or an address in its canonical form. */
  readonly value: string;
}

/** See the module. */
export interface Certificate {
  /** All of it, DER. */
  readonly der: Uint8Array<ArrayBuffer>;
  /** Its SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array<ArrayBuffer>;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly names: readonly CertificateName[];
  /** Whether it may issue others (section 4.2.1.9). */
  readonly isAuthority: boolean;
}

const SEQUENCE = 0x30;
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const CONTEXT_SPECIFIC = 3;
/** Tags in a TBSCertificate (section 4.1). */
const VERSION_TAG = 0;
const EXTENSIONS_TAG = 3;
/** Where its members are, behind the version. */
const VALIDITY = 3;
const SPKI = 5;
/** Tags of a GeneralName (section 4.2.1.6). */
const DNS_NAME_TAG = 2;
const IP_ADDRESS_TAG = 7;

/**
 * Parses a DER certificate.
 *
 * @throws Error when it is none
 */
export function parseCertificate(bytes: Uint8Array): Certificate {
  const der = new Uint8Array(bytes);
  if (der[0] !== SEQUENCE) throw new Error("not a DER certificate");
  const [body, , signature] = membersOf(parse(der));
  if (!(signature instanceof asn1.BitString)) throw new Error("a certificate has a signature");
  const members = membersOf(body);
  const fields = hasTag(members[0], VERSION_TAG) ? members.slice(1) : members;
  const [notBefore, notAfter] = membersOf(fields[VALIDITY]).map(dateOf);
  const [, key] = membersOf(fields[SPKI]);
  if (!(key instanceof asn1.BitString)) throw new Error("a certificate has a public key");
  const extensions = extensionsOf(fields);
  return {
    der,
    spki: new Uint8Array(fields[SPKI].toBER()),
    notBefore,
    notAfter,
    names: namesOf(extensions.get(SUBJECT_ALTERNATIVE_NAME)),
    isAuthority: mayIssue(extensions.get(BASIC_CONSTRAINTS)),
  };
}

function parse(bytes: Uint8Array<ArrayBuffer>): asn1.AsnType {
  const { offset, result } = asn1.fromBER(bytes);
  if (offset !== bytes.length) throw new Error(result.error || "something follows it");
  return result;
}

function membersOf(value: asn1.AsnType | undefined): asn1.AsnType[] {
  if (value instanceof asn1.Sequence) return value.valueBlock.value as asn1.AsnType[];
  throw new Error("a SEQUENCE is missing");
}

function hasTag(value: asn1.AsnType | undefined, tag: number): boolean {
  return value?.idBlock.tagClass === CONTEXT_SPECIFIC && value.idBlock.tagNumber === tag;
}

function dateOf(value: asn1.AsnType): Date {
  if (value instanceof asn1.UTCTime || value instanceof asn1.GeneralizedTime) return value.toDate();
  throw new Error("a time is missing");
}

/** The extensions' contents by their OIDs. @throws Error one is there twice (section 4.2) */
function extensionsOf(fields: readonly asn1.AsnType[]): Map<string, asn1.AsnType> {
  const found = new Map<string, asn1.AsnType>();
  const tagged = fields.find((field) => hasTag(field, EXTENSIONS_TAG));
  if (tagged === undefined) return found;
  if (!(tagged instanceof asn1.Constructed)) throw new Error("extensions are missing");
  for (const extension of membersOf(tagged.valueBlock.value[0] as asn1.AsnType)) {
    const members = membersOf(extension);
    const [id, content] = [members[0], members.at(-1)];
    if (!(id instanceof asn1.ObjectIdentifier) || !(content instanceof asn1.OctetString)) {
      throw new Error("not an extension");
    }
    const oid = id.getValue();
    if (found.has(oid)) throw new Error("an extension is there twice");
    if (oid === SUBJECT_ALTERNATIVE_NAME || oid === BASIC_CONSTRAINTS) {
      found.set(oid, parse(new Uint8Array(content.getValue())));
    }
  }
  return found;
}

function namesOf(content: asn1.AsnType | undefined): CertificateName[] {
  if (content === undefined) return [];
  return membersOf(content).flatMap((name): CertificateName[] => {
    if (!(name instanceof asn1.Primitive)) return [];
    const bytes = name.valueBlock.valueHexView;
    if (hasTag(name, DNS_NAME_TAG)) return [{ type: "dns", value: String.fromCharCode(...bytes) }];
    const isAddress = bytes.length === IPV4_BYTES || bytes.length === IPV6_BYTES;
    return hasTag(name, IP_ADDRESS_TAG) && isAddress
      ? [{ type: "ip", value: formatIp(bytes) }]
      : [];
  });
}

function mayIssue(content: asn1.AsnType | undefined): boolean {
  if (content === undefined) return false;
  const [authority] = membersOf(content);
  return authority instanceof asn1.Boolean && authority.valueBlock.value;
}
