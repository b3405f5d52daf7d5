/**
 * A million odd packets of each kind, from strangers who have no connection and want none: whatever they cost
 * while they are looked at, nothing of it may stay.
 *
 * ```
 *  odd_packets (C, sendmmsg) ── a kind of packet, 500,000 by IPv4 and as many by IPv6 ──► relay ── resident memory
 * ```
 *
 * The least that an allocation takes is 32 bytes: one that is forgotten for each packet of a kind is seen.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { DenoEndpoint, type RelayAddress } from "../support/deno_endpoint.ts";
import { runTool } from "../support/msquic_program.ts";
import { RelayProcess } from "../support/relay_process.ts";

const KINDS = [
  ...["empty", "byte", "random-20", "short-header", "random-1200"],
  ...["unknown-version", "version-negotiation", "retry"],
  ...["initial", "initial-token", "zero-rtt", "handshake", "coalesced"],
] as const;
/** Of each kind, by each of IPv4 and IPv6. */
const PACKETS = 500_000;
/** The relay's memory grows by itself at the beginning. */
const FIRST_PACKETS = PACKETS / 10;
const LEAST_BLOCK_BYTES = 32;
/** Half of what a kind would leave behind by one family. */
const GROWTH_BYTES_MAX = (PACKETS - FIRST_PACKETS) * LEAST_BLOCK_BYTES / 2;
/** What is left of all kinds together: less than one of them by both families would leave. */
const TOTAL_BYTES_MAX = 3 * GROWTH_BYTES_MAX;

/** Compiles the sender, and hands its path to `use`. */
async function withSender(use: (sender: string) => Promise<void>): Promise<void> {
  const source = new URL("./odd_packets.c", import.meta.url).pathname;
  const folder = await Deno.makeTempDir({ prefix: "lanparty-odd-" });
  try {
    const options = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"];
    await runTool("gcc", [...options, source, "-o", `${folder}/odd_packets`]);
    await use(`${folder}/odd_packets`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test(`${2 * PACKETS} odd packets of each of ${KINDS.length} kinds leave nothing behind`, async (t) => {
  await using relay = await RelayProcess.start({ listen: ["127.0.0.1:0", "[::1]:0"] });
  await withSender(async (sender) => {
    const send = async ({ host, port }: RelayAddress, kind: string, count: number) => {
      const said = await runTool(sender, [host, String(port), kind, String(count)]);
      const [, taken] = /^(\d+) taken of \d+ sent$/m.exec(said)!;
      assert(Number(taken) >= count, said);
    };
    for (const kind of KINDS) {
      for (const address of relay.addresses) await send(address, kind, FIRST_PACKETS);
    }
    const first = relay.residentBytes();
    for (const kind of KINDS) {
      for (const address of relay.addresses) {
        await t.step(`${kind} by ${address.host.includes(":") ? "IPv6" : "IPv4"}`, async () => {
          const before = relay.residentBytes();
          await send(address, kind, PACKETS - FIRST_PACKETS);
          assertLess(relay.residentBytes() - before, GROWTH_BYTES_MAX);
        });
      }
    }
    assertLess(relay.residentBytes() - first, TOTAL_BYTES_MAX);
  });
  for (const [number, address] of relay.addresses.entries()) {
    await using client = await DenoEndpoint.connect(address);
    // The MAC of who has left is kept for a while.
    const mac = `02:00:00:00:00:0${number}`;
    assertEquals((await client.hello({ room: "PARTY", mac })).type, "welcome");
    await client.leave();
  }
});
