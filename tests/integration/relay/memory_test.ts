/** What strangers may hold at the compiled relay is no more than its printed unit allows for. */
import { assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { RELAY_DEFAULTS } from "../../../src/relay/limits.ts";
import { type RelaySize, relayUnitLimits } from "../../../src/programs/relay/unit_limits.ts";
import { DenoEndpoint } from "../../support/deno_endpoint.ts";
import { RelayProcess } from "../../support/relay_process.ts";

const MESSAGE_BYTES_MAX = 65_536;
/** One address may hold so many connections that have not said hello. */
const PENDING = 240;
const AT_ONCE = 20;
const PEERS = 64;

/** What the unit allows for one more of something. */
function shareOf(change: (size: RelaySize) => Partial<RelaySize>): number {
  const size = { ...RELAY_DEFAULTS, reactors: 1 };
  const more = { ...size, ...change(size) };
  return relayUnitLimits(more).memoryBytes - relayUnitLimits(size).memoryBytes;
}

/** The longest message without its last byte, behind its length. */
function unfinished(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + MESSAGE_BYTES_MAX - 1).fill(0x20);
  new DataView(bytes.buffer).setUint32(0, MESSAGE_BYTES_MAX);
  return bytes;
}

Deno.test("connections with unfinished messages, and peers with long hellos, take no more than the unit allows for", async () => {
  await using relay = await RelayProcess.start();
  const all: DenoEndpoint[] = [];
  const hosts = ["127.0.0.21", "127.0.0.22", "127.0.0.23"];
  const sockets = hosts.map((hostname) => new Deno.QuicEndpoint({ hostname, port: 0 }));
  const connect = async (socket: Deno.QuicEndpoint) => {
    const endpoint = await DenoEndpoint.connect(relay.address, {
      socket,
      closesOnLastMessage: false,
    });
    all.push(endpoint);
    return endpoint;
  };
  try {
    const growths: number[] = [];
    for (const socket of sockets.slice(0, 2)) {
      const before = relay.residentBytes();
      for (let count = 0; count < PENDING; count += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, async () => {
          await (await connect(socket)).sendBytes(unfinished());
        }));
      }
      growths.push((relay.residentBytes() - before) / PENDING);
    }
    // The first also have the relay's memory grow by itself.
    const connection = shareOf(({ connectionsMax }) => ({ connectionsMax: connectionsMax + 1 }));
    assertLess(growths[1], connection, `bytes for each connection: ${growths}`);

    const before = relay.residentBytes();
    for (let number = 0; number < PEERS; number++) {
      const peer = await connect(sockets[2]);
      const mac = `02:00:00:00:00:${number.toString(16).padStart(2, "0")}`;
      await peer.join({ room: "LONG", mac, resume: "r".repeat(60_000) });
    }
    const peer = shareOf(({ peersMax }) => ({ peersMax: peersMax + 1 }));
    assertLess((relay.residentBytes() - before) / PEERS, connection + peer);
    const tasks = [...Deno.readDirSync(`/proc/${relay.pid}/task`)].length;
    assertLessOrEqual(tasks, relayUnitLimits({ ...RELAY_DEFAULTS, reactors: 1 }).tasks);
    assertEquals(relay.running, true);
  } finally {
    await Promise.all(all.map((endpoint) => endpoint[Symbol.asyncDispose]()));
    for (const socket of sockets) socket.close();
  }
});
