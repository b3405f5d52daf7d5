/**
 * When a relay's handshakes must begin with proof that the sender's address is not forged.
 *
 * @module
 */
import type { QuicLibrary } from "../../quic/mod.ts";

/** Handshakes beyond this (two hundred, about 40 kB each) go by QUIC's Retry. */
const HANDSHAKE_BYTES_MAX = 8 << 20;

/** Bounds what handshakes that are not complete may take, whatever the machine's memory. */
export function limitHandshakeMemory(library: QuicLibrary): void {
  const share = HANDSHAKE_BYTES_MAX / Deno.systemMemoryInfo().total;
  library.setRetryMemory(Math.min(0xffff, Math.max(1, Math.floor(share * 0xffff))));
}
