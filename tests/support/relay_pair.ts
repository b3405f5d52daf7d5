/**
 * A pair of endpoints in a room of their own that sends frames to and fro, one at a time, whatever goes on
 * around them.
 */
import { assertEquals, assertLess } from "@std/assert";
import { DenoEndpoint } from "./deno_endpoint.ts";
import { ethernet, pattern, u32 } from "../../tools/lab/frames.ts";
import type { RelayProcess } from "./relay_process.ts";
import { pause } from "../../tools/lab/wait.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";

/** See the module. */
export class Pair implements AsyncDisposable {
  readonly roundTripsMs: number[] = [];
  #sent = 0;
  readonly #a: DenoEndpoint;
  readonly #b: DenoEndpoint;

  private constructor(a: DenoEndpoint, b: DenoEndpoint) {
    this.#a = a;
    this.#b = b;
  }

  /** Joins both, from an address that nobody else has. */
  static async join(relay: RelayProcess): Promise<Pair> {
    const ends = [MAC_A, MAC_B].map(async (mac) => {
      const end = await DenoEndpoint.connect(relay.address, { localHost: "127.0.0.9" });
      await end.join({ room: "PAIR", mac });
      return end;
    });
    return new Pair(await ends[0], await ends[1]);
  }

  /** Frames to and fro, of changing lengths. @throws {Error} if one is lost or changed */
  async play(roundTrips: number): Promise<void> {
    for (let i = 0; i < roundTrips; i++) {
      const payload = pattern(46 + this.#sent * 97 % 1_454);
      payload.set(u32(this.#sent++));
      const startMs = performance.now();
      await this.#pass(this.#a, MAC_A, this.#b, MAC_B, payload);
      await this.#pass(this.#b, MAC_B, this.#a, MAC_A, payload);
      this.roundTripsMs.push(performance.now() - startMs);
    }
  }

  async #pass(
    sender: DenoEndpoint,
    source: string,
    receiver: DenoEndpoint,
    destination: string,
    payload: Uint8Array,
  ): Promise<void> {
    const frame = ethernet({ destination, source, type: 0x88b6, payload });
    await sender.sendFrame(frame);
    const received = await receiver.frame(2_000).catch((cause) => this.#explain(cause));
    assertEquals(received.sourcePeerId, sender.peerId);
    assertEquals(received.frame, frame);
  }

  /** A frame is lost: waits for what the relay has counted, and says where. */
  async #explain(cause: unknown): Promise<never> {
    const drops = kernelDrops();
    await pause(10_500);
    const stats = [this.#a, this.#b].map(({ messages }) => messages.at(-1));
    throw new Error(`after ${this.#sent} frames; ${JSON.stringify({ stats, drops })}`, { cause });
  }

  /** The two see each other and nobody else, and nothing that is wrong. */
  check(): void {
    for (const end of [this.#a, this.#b]) {
      assertEquals(end.ending, undefined);
      assertEquals([end.malformed, end.wrongMessages, end.takeFrames()], [[], [], []]);
      const others = end.messages.filter(({ type }) => !["welcome", "stats"].includes(type));
      assertLess(others.length, 2);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#a[Symbol.asyncDispose]();
    await this.#b[Symbol.asyncDispose]();
  }
}

/** Datagrams that the kernel dropped at each UDP socket of IPv4, by port: those that it dropped some at. */
function kernelDrops(): Record<string, number> {
  const rows = Deno.readTextFileSync("/proc/net/udp").trim().split("\n").slice(1);
  const drops = rows.map((row) => row.trim().split(/\s+/)).map((columns) =>
    [String(parseInt(columns[1].split(":")[1], 16)), Number(columns.at(-1))] as const
  );
  return Object.fromEntries(drops.filter(([, count]) => count > 0));
}

/** The value below which this share (0 … 1) of all lies. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)];
}
