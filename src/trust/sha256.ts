/**
 * SHA-256 for parts that have none of their own.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** SHA-256 (FIPS 180-4) of bytes: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
