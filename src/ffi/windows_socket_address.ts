/**
 * Addresses as Windows' IP stack has them (`SOCKADDR_INET`).
 *
 * @module
 */

import { Struct } from "./layout.ts";
import { IpConstant, SOCKADDR_INET } from "./windows_ip.ts";

/** An address of 4 or 16 bytes as `SOCKADDR_INET`, port 0. */
export function socketAddress(address: Uint8Array): Uint8Array<ArrayBuffer> {
  const isIpv4 = address.length === SOCKADDR_INET.fields.ipv4.sizeBytes;
  const struct = new Struct(SOCKADDR_INET);
  struct.setNumber("si_family", isIpv4 ? IpConstant.AF_INET : IpConstant.AF_INET6);
  struct.memberBytes(isIpv4 ? "ipv4" : "ipv6").set(address);
  return struct.bytes;
}

/** The address in a `SOCKADDR_INET`, 4 or 16 bytes; undefined for another family. */
export function readSocketAddress(view: DataView, offset: number): Uint8Array | undefined {
  const { si_family, ipv4, ipv6 } = SOCKADDR_INET.fields;
  const family = view.getUint16(offset + si_family.offset, true);
  const field = family === IpConstant.AF_INET
    ? ipv4
    : family === IpConstant.AF_INET6
    ? ipv6
    : undefined;
  if (field === undefined) return undefined;
  const start = view.byteOffset + offset + field.offset;
  return new Uint8Array(view.buffer.slice(start, start + field.sizeBytes) as ArrayBuffer);
}
