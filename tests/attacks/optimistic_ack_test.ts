/**
 * A peer that acknowledges what it has not received is sent more than its path carries. Without msquic's patch 0019
 * nobody notices.
 */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { attack } from "../support/attack.ts";
import { RelayProcess } from "../support/relay_process.ts";

/** One of the first 64 packet numbers is left out, behind whatever the relay has sent in the handshake. */
const PACKETS = 200;
const PROTOCOL_VIOLATION = 0x0a;

interface Ending {
  readonly came: number;
  readonly error: number | null;
}

async function acknowledge(how: "honest" | "greedy"): Promise<Ending> {
  await using relay = await RelayProcess.start();
  const ending = await attack<Ending>("optimistic_ack.py", relay.address.port, how, PACKETS);
  assert(relay.running, relay.log);
  return ending;
}

Deno.test("who acknowledges every packet number, whatever came, is sent away", async () => {
  const { came, error } = await acknowledge("greedy");
  assertEquals(error, PROTOCOL_VIOLATION);
  assertLess(came, PACKETS);
});

Deno.test("who acknowledges what came stays", async () => {
  const { came, error } = await acknowledge("honest");
  assertEquals(error, null);
  assertGreater(came, PACKETS / 2, "the relay may have waited too long for a hello by then");
});
