/**
 * A relay keeps several paths for a connection, and strangers may make and remove them: before its hello a
 * peer is nobody yet. Without msquic's patch 0011 each of these fails.
 *
 * ```
 *  attacker ── port 0: the handshake ────────────► relay
 *           ── port 1: a probe, then whatever ───►
 *           ── port 2: another one ──────────────►
 * ```
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { attack } from "../support/attack.ts";
import { RelayProcess } from "../support/relay_process.ts";

interface Answers {
  /** What came after the attack, and the ports where it came, by their index. */
  readonly packets: number;
  readonly sockets: readonly number[];
  /** Packets with a connection id that the attacker never gave out. */
  readonly unknownIds: number;
  readonly unreadable: number;
  /** Whether the relay has answered the probes before, without which nothing is tried. */
  readonly probed: boolean;
}

async function attackPaths<Result>(name: string): Promise<Result> {
  await using relay = await RelayProcess.start();
  const result = await attack<Result>("paths.py", name, relay.address.port, relay.pid);
  assert(relay.running, relay.log);
  return result;
}

Deno.test("a path whose last connection id its own packet retires is not made the active one", async () => {
  const { packets, ...answers } = await attackPaths<Answers>("promotion");
  assertGreater(packets, 0);
  assertEquals(answers, { sockets: [0], unknownIds: 0, unreadable: 0, probed: true });
});

Deno.test("a removed path's packet has no answer by the path that took its place", async () => {
  const { packets, ...answers } = await attackPaths<Answers>("neighbour");
  assertGreater(packets, 0);
  const expected = { sockets: [0], unknownIds: 0, unreadable: 0, probed: true, answered: [] };
  assertEquals<object>(answers, expected);
});

Deno.test("garbage from a new port takes nothing of the packets that came before it in one batch", async () => {
  const { packets, ...answers } = await attackPaths<Answers>("batch");
  assertGreater(packets, 0);
  // Port 0 was the active path, and is asked whether it is still there; port 1 is the new one.
  assertEquals(answers, { sockets: [0, 1], unknownIds: 0, unreadable: 0, probed: true });
});

Deno.test("300 paths of one connection are told apart", async () => {
  assertEquals(await attackPaths("many"), { unnoticed: [] });
});
