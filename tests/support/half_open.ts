/**
 * Handshakes that begin and never go on: valid first packets of QUIC whose sender says nothing more, as
 * those with forged addresses do.
 */

import { createCipheriv, createHmac, randomBytes } from "node:crypto";
import { join, u16 } from "../../tools/lab/frame_bytes.ts";

/** The salt of version 1 (RFC 9001, section 5.2). */
const INITIAL_SALT = Uint8Array.fromHex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a");
const PACKET_BYTES = 1_200;
const PACKET_NUMBER_BYTES = 4;
const TAG_BYTES = 16;

function hmac(key: Uint8Array, text: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(text).digest());
}

/** HKDF-Expand-Label (RFC 8446, section 7.1) for at most 32 bytes. */
function expand(secret: Uint8Array, label: string, length: number): Uint8Array {
  const name = new TextEncoder().encode(`tls13 ${label}`);
  const info = join(u16(length), Uint8Array.of(name.length), name, Uint8Array.of(0, 1));
  return hmac(secret, info).slice(0, length);
}

/**
 * An Initial packet (RFC 9000, section 17.2.2) with the beginning of a ClientHello, which is longer than
 * what is there: a server keeps it, and waits for the rest.
 */
export function halfOpenInitial(): Uint8Array {
  const destination = new Uint8Array(randomBytes(8));
  const version = Uint8Array.of(0, 0, 0, 1);
  const ids = join(
    Uint8Array.of(8),
    destination,
    Uint8Array.of(8),
    new Uint8Array(randomBytes(8)),
  );
  const start = join(
    Uint8Array.of(0xc0 | PACKET_NUMBER_BYTES - 1),
    version,
    ids,
    Uint8Array.of(0),
  );
  const restBytes = PACKET_BYTES - start.length - 2;
  const header = join(start, u16(0x4000 | restBytes), new Uint8Array(PACKET_NUMBER_BYTES));
  const payload = new Uint8Array(restBytes - PACKET_NUMBER_BYTES - TAG_BYTES);
  // A CRYPTO frame at offset 0, of 4 + 60 bytes; PADDING behind it.
  payload.set([0x06, 0x00, 0x40, 64, 0x01, 0x00, 0x02, 0x00, 0x03, 0x03]);
  payload.set(randomBytes(58), 10);
  return protect(header, payload, destination);
}

/** Encrypts the payload and the header's last part (RFC 9001, sections 5.3 and 5.4). */
function protect(header: Uint8Array, payload: Uint8Array, destination: Uint8Array): Uint8Array {
  const secret = expand(hmac(INITIAL_SALT, destination), "client in", 32);
  const [key, iv, headerKey] = [
    expand(secret, "quic key", 16),
    expand(secret, "quic iv", 12),
    expand(secret, "quic hp", 16),
  ];
  const cipher = createCipheriv("aes-128-gcm", key, iv); // the packet's number is 0
  cipher.setAAD(header);
  const sealed = join(new Uint8Array(cipher.update(payload)), new Uint8Array(cipher.final()));
  const packet = join(header, sealed, new Uint8Array(cipher.getAuthTag()));
  const headerCipher = createCipheriv("aes-128-ecb", headerKey, new Uint8Array(0));
  headerCipher.setAutoPadding(false);
  const mask = headerCipher.update(packet.slice(header.length, header.length + 16));
  headerCipher.final();
  packet[0] ^= mask[0] & 0x0f;
  for (let i = 1; i <= PACKET_NUMBER_BYTES; i++) {
    packet[header.length - PACKET_NUMBER_BYTES - 1 + i] ^= mask[i];
  }
  return packet;
}
