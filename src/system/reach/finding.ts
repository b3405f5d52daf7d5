/**
 * What becomes of a UDP packet that is sent to see what becomes of it.
 *
 * @module
 */

/** What has come back, or why nothing can. */
export type UdpFinding =
  /** Something was received from there. */
  | { readonly kind: "answered"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** This machine has no way there. */
  | { readonly kind: "noWay" }
  /** Nobody listens there, or nobody is there, or it must not pass: said by ICMP. */
  | {
    readonly kind: "nobodyListens" | "unreachable" | "prohibited";
    /** Who has said so, 4 or 16 bytes; undefined: this machine, or the system does not tell. */
    readonly from: Uint8Array<ArrayBuffer> | undefined;
  };

/** A packet that was sent. */
export interface UdpProbe {
  /** What is known by now; undefined: nothing has come back yet. */
  take(): UdpFinding | undefined;
  /** Gives its socket back. */
  close(): void;
}

/** Longest answer that is looked at. */
export const ANSWER_BYTES_MAX = 1_500;

/** Types and codes of "destination unreachable" (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812; RFC 4443 section 3.1). */
const UNREACHABLE_TYPE = 3;
const UNREACHABLE_TYPE_IPV6 = 1;
const PORT_CODE = 3;
const PORT_CODE_IPV6 = 4;
const TOO_BIG_CODE = 4;
const PROHIBITED_CODES: readonly number[] = [9, 10, 13];
const PROHIBITED_CODES_IPV6: readonly number[] = [1, 5, 6];

/** What an ICMP message says of a packet; undefined: not that it cannot arrive. */
export function readUnreachable(
  version: 4 | 6,
  type: number,
  code: number,
): "nobodyListens" | "unreachable" | "prohibited" | undefined {
  const isIpv4 = version === 4;
  if (type !== (isIpv4 ? UNREACHABLE_TYPE : UNREACHABLE_TYPE_IPV6)) return undefined;
  if (isIpv4 && code === TOO_BIG_CODE) return undefined;
  if (code === (isIpv4 ? PORT_CODE : PORT_CODE_IPV6)) return "nobodyListens";
  const prohibited = isIpv4 ? PROHIBITED_CODES : PROHIBITED_CODES_IPV6;
  return prohibited.includes(code) ? "prohibited" : "unreachable";
}
