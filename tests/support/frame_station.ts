/**
 * A station at an interface of a namespace: it sends crafted frames and keeps all that arrive.
 *
 * The work is done by `frame_station_program.ts`, which runs inside the namespace.
 *
 * ```ts
 * await using station = await FrameStation.open(lan, "wire");
 * await station.send(ethernet({ … }));
 * const reply = await station.waitFor((frame) => frame.type === Type.arp);
 * ```
 */

import { fromHex, join, macAt, toHex, u16 } from "../../tools/lab/frames.ts";
import type { LabProcess, Namespace } from "../../tools/lab/netns.ts";
import { writePcap } from "./pcap.ts";

const START_TIMEOUT_MS = 30_000;
const REPLY_TIMEOUT_MS = 30_000;

/** What the program writes for each frame. */
export interface FrameLine {
  readonly timeMs: number;
  readonly hex: string;
  readonly vlanTpid: number;
  readonly vlanTci: number;
  readonly virtioFlags: number;
  readonly gsoType: number;
  readonly segmentBytes: number;
}

/** A frame that arrived. */
export class StationFrame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** The tag that the kernel took out; 0: none. */
  readonly vlanTpid: number;
  readonly vlanTci: number;
  /** Whether the checksum is unfinished, as on a veth with offloads on. */
  readonly unfinishedChecksum: boolean;
  readonly gsoType: number;
  readonly segmentBytes: number;

  constructor(line: FrameLine) {
    this.bytes = fromHex(line.hex);
    this.timeMs = line.timeMs;
    this.vlanTpid = line.vlanTpid;
    this.vlanTci = line.vlanTci;
    this.unfinishedChecksum = (line.virtioFlags & 1) !== 0;
    this.gsoType = line.gsoType;
    this.segmentBytes = line.segmentBytes;
  }

  /** Destination MAC, lower case. */
  get destination(): string {
    return macAt(this.bytes, 0);
  }

  /** Source MAC, lower case. */
  get source(): string {
    return macAt(this.bytes, 6);
  }

  /** What follows the MACs: an EtherType, a length, or the TPID of a tag. */
  get type(): number {
    return this.bytes[12] << 8 | this.bytes[13];
  }

  /** The frame as it was on the wire: with the tag that the kernel took out. */
  get wireBytes(): Uint8Array<ArrayBuffer> {
    if (this.vlanTpid === 0) return this.bytes;
    const tag = join(u16(this.vlanTpid), u16(this.vlanTci));
    return join(this.bytes.subarray(0, 12), tag, this.bytes.subarray(12));
  }

  get hex(): string {
    return toHex(this.bytes);
  }
}

/** How a station is opened. */
export interface StationOptions {
  /** Also keep what the namespace itself sends over the interface. Default false. */
  readonly outgoing?: boolean;
  /** Receive only what is addressed to the interface, as an ordinary host. Default false. */
  readonly notPromiscuous?: boolean;
}

/** A station at an interface. */
export class FrameStation implements AsyncDisposable {
  /** All frames since the station opened, or since {@linkcode FrameStation.clear}. */
  readonly frames: StationFrame[] = [];
  readonly #process: LabProcess;
  readonly #waiters = new Set<(frame: StationFrame) => void>();
  #replies = 0;

  /** Opens a station; frames are kept from the moment that this returns. */
  static async open(
    namespace: Namespace,
    interfaceName: string,
    options: StationOptions = {},
  ): Promise<FrameStation> {
    const program = new URL("./frame_station_program.ts", import.meta.url).pathname;
    const flags = [
      ...(options.outgoing ? ["--outgoing"] : []),
      ...(options.notPromiscuous ? ["--not-promiscuous"] : []),
    ];
    // deno-fmt-ignore
    const command = [Deno.execPath(), "run", "--allow-all", "--no-check", "--quiet", program,
      interfaceName, ...flags];
    const station = new FrameStation(namespace, command);
    await station.#process.waitForLine(/^ready$/, START_TIMEOUT_MS);
    return station;
  }

  private constructor(namespace: Namespace, command: readonly string[]) {
    this.#process = namespace.spawn(command, {
      onLine: (line, stream) => {
        if (stream === "stdout") this.#handleLine(line);
      },
    });
  }

  /** Sends frames in order; returns when the kernel has taken them. */
  async send(...frames: Uint8Array[]): Promise<void> {
    await this.#order({ send: frames.map(toHex) });
  }

  /** Sends a frame many times, evenly spread over time. */
  async flood(frame: Uint8Array, count: number, perSecond: number): Promise<void> {
    await this.#order(
      { flood: toHex(frame), count, perSecond },
      REPLY_TIMEOUT_MS + 1000 * count / perSecond,
    );
  }

  /** Forgets the frames so far. */
  clear(): void {
    this.frames.length = 0;
  }

  /**
   * The first frame that fits, of those that are there or still come.
   *
   * @throws {Error} if none comes in time.
   */
  async waitFor(
    fits: (frame: StationFrame) => boolean,
    timeoutMs = 5_000,
  ): Promise<StationFrame> {
    const present = this.frames.find(fits);
    if (present !== undefined) return present;
    const { promise, resolve, reject } = Promise.withResolvers<StationFrame>();
    const waiter = (frame: StationFrame) => {
      if (fits(frame)) resolve(frame);
    };
    this.#waiters.add(waiter);
    const timer = setTimeout(() => {
      const seen = this.frames.slice(-20).map((frame) => frame.hex.slice(0, 120)).join("\n");
      reject(new Error(`no such frame within ${timeoutMs} ms; the last were\n${seen}`));
    }, timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    }
  }

  /** Waits a while and returns the frames that fit: none, if all is well. */
  async seenWithin(
    fits: (frame: StationFrame) => boolean,
    durationMs: number,
  ): Promise<StationFrame[]> {
    await new Promise((resolve) => setTimeout(resolve, durationMs));
    return this.frames.filter(fits);
  }

  /** The frames so far as a capture file. */
  pcap(): Uint8Array<ArrayBuffer> {
    return writePcap(this.frames);
  }

  async close(): Promise<void> {
    await this.#process.closeInput();
    await this.#process.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Takes a line of the program's output: a frame, or anything else. */
  #handleLine(line: string): void {
    if (!line.startsWith("{")) return;
    const frame = new StationFrame(JSON.parse(line) as FrameLine);
    this.frames.push(frame);
    for (const waiter of this.#waiters) waiter(frame);
  }

  /** Sends an order and waits for its acknowledgement. */
  async #order(order: Record<string, unknown>, timeoutMs = REPLY_TIMEOUT_MS): Promise<void> {
    const id = ++this.#replies;
    await this.#process.write(`${JSON.stringify({ ...order, id })}\n`);
    const [, lost] = await this.#process.waitForLine(new RegExp(`^done ${id} (\\d+)$`), timeoutMs);
    if (lost !== "0") throw new Error(`the kernel did not take ${lost} frames`);
  }
}
