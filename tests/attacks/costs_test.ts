/**
 * Packets that keep to the letter of QUIC and cost a relay more than they cost their sender: they make it keep
 * long lists, and walk them for each frame. All of a relay's players share one thread. Each of these fails
 * without the patch of msquic that it names.
 */
import { assert, assertEquals } from "@std/assert";
import { attack } from "../support/attack.ts";
import { RelayProcess } from "../support/relay_process.ts";

/** RFC 9000, section 20.1. */
const INTERNAL_ERROR = 0x01;
const PROTOCOL_VIOLATION = 0x0a;
const CRYPTO_BUFFER_EXCEEDED = 0x0d;

/** msquic's limits (tools/msquic/patches): pieces of a stream, ACK frames in a packet. */
const PIECES_MAX = 1_024;
const ACK_FRAMES_MAX = 4;
/** The spare connection IDs that a relay gives; that of the handshake is number 0. */
const LAST_CONNECTION_ID = 3;

interface Ending {
  readonly error: number | null;
  readonly acknowledged: boolean;
}

/** How the relay ends a connection, and whether it acknowledges a packet after all that. */
async function endingOf(name: string, count = 0): Promise<Ending> {
  await using relay = await RelayProcess.start();
  const ending = await attack<Ending>("costs.py", name, relay.address.port, count);
  assert(relay.running, relay.log);
  return ending;
}

const STAYS: Ending = { error: null, acknowledged: true };

Deno.test("a stream with more gaps than losses make ends its connection (0030)", async () => {
  assertEquals((await endingOf("gaps", 2 * PIECES_MAX)).error, INTERNAL_ERROR);
});

Deno.test("a handshake with as many gaps ends, too (0030)", async () => {
  assertEquals((await endingOf("first-gaps", 2 * PIECES_MAX)).error, CRYPTO_BUFFER_EXCEEDED);
});

Deno.test("a few hundred gaps harm nobody", async () => {
  assertEquals(await endingOf("gaps", PIECES_MAX - 100), STAYS);
  assertEquals(await endingOf("first-gaps", PIECES_MAX - 100), STAYS);
});

Deno.test("what came with wide gaps is acknowledged as far as the packet has room (0031)", async () => {
  assertEquals(await endingOf("ranges"), STAYS);
});

Deno.test("a packet of nothing but ACK frames ends the connection, a few in one do not (0032)", async () => {
  assertEquals((await endingOf("acks", ACK_FRAMES_MAX + 1)).error, INTERNAL_ERROR);
  assertEquals(await endingOf("acks", ACK_FRAMES_MAX), STAYS);
});

Deno.test("a connection ID is not retired before it was sent (0033)", async () => {
  assertEquals((await endingOf("retire", LAST_CONNECTION_ID + 1)).error, PROTOCOL_VIOLATION);
  assertEquals(await endingOf("retire", LAST_CONNECTION_ID), STAYS);
});
