/**
 * A player behind a path with delay, jitter, loss and a bottleneck, on kernels with netem and without:
 *
 * ```
 *   relay            line                    player
 *  ┌───────┐        ┌─────────────────┐     ┌──────────────┐
 *  │  pl0 ─┼────────┼ far ◄─────► near┼─────┼─ wan0        │
 *  │ .92.1 │  veth  │   path_line.c   │veth │ .92.2        │
 *  └───────┘        └─────────────────┘     └──────────────┘
 * ```
 *
 * No offloads on the way, as on a real line: each packet is one of the line's own.
 */
import { BuildError } from "../build/cache.ts";
import { outputOf } from "../build/process.ts";
import type { LabProcess, Namespace } from "./netns.ts";
import { PARTY, type Party } from "./party.ts";

const READY_TIMEOUT_MS = 20_000;

/** What a path does to packets, the same both ways. */
export interface PathShape {
  readonly delayMs: number;
  /** Each packet is up to so much earlier or later, so packets overtake each other. Default 0. */
  readonly jitterMs?: number;
  readonly lossPercent?: number;
  /** The bottleneck; default: none. */
  readonly megabits?: number;
  /** What the bottleneck's queue holds, ms at its rate; default 100. */
  readonly queueMs?: number;
}

/** What went one way since the last look. */
export interface WayFigures {
  readonly frames: number;
  readonly bytes: number;
  readonly lost: number;
  /** Frames that the bottleneck's queue had no room for. */
  readonly full: number;
  readonly queueMeanMs: number;
  readonly queueMaxMs: number;
}

/** See the module. */
export class DelayedPath {
  private constructor(readonly player: Namespace, readonly line: LabProcess) {}

  /** Puts a player behind a path that does nothing yet. */
  static async make(party: Party, name: string): Promise<DelayedPath> {
    const { lab, relay } = party;
    const program = `${party.folder}/path_line`;
    const source = new URL("path_line.c", import.meta.url).pathname;
    const compiled = await outputOf(["gcc", "-O2", "-Wall", "-o", program, source]);
    if (compiled === undefined) throw new BuildError(`gcc cannot compile ${source}`);
    const middle = await lab.namespace("line", { ipv6: false });
    const player = await lab.namespace(name, { resolvConf: PARTY.resolvConf });
    await lab.veth(
      { namespace: relay, name: "pl0", addresses: ["10.92.0.1/24"], offloads: false },
      { namespace: middle, name: "far", offloads: false },
    );
    await lab.veth(
      { namespace: middle, name: "near", offloads: false },
      { namespace: player, name: "wan0", addresses: ["10.92.0.2/24"], offloads: false },
    );
    await player.ip("route", "add", "default", "via", PARTY.relayAddressForPlayer);
    const line = middle.spawn(["nice", "-n", "-19", program, "far", "near"]);
    await line.waitForLine(/^ready$/, READY_TIMEOUT_MS);
    return new DelayedPath(player, line);
  }

  /** From now on the path is like this. */
  async shape(
    { delayMs, jitterMs = 0, lossPercent = 0, megabits = 0, queueMs = 100 }: PathShape,
  ): Promise<void> {
    const queueBytes = Math.round(megabits * 1e6 / 8 * queueMs / 1e3);
    const values = [delayMs * 1e3, jitterMs * 1e3, lossPercent * 1e4, megabits * 1e3, queueBytes];
    await this.#ask(`set both ${values.map(Math.round).join(" ")}`);
  }

  /** What went each way since the last look: `left` is towards the player. */
  async figures(): Promise<{ readonly left: WayFigures; readonly right: WayFigures }> {
    return JSON.parse(await this.#ask("figures"));
  }

  async #ask(question: string): Promise<string> {
    const before = this.line.stdout.length;
    await this.line.write(`${question}\n`);
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const said = this.line.stdout.slice(before);
      if (said.endsWith("\n")) return said.trim();
      if (!this.line.running || performance.now() > deadline) {
        throw new Error(`path_line does not answer: ${this.line.stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
