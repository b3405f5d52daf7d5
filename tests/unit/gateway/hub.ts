/**
 * A LAN in memory with gateways on it:
 *
 * ```
 *    gateway A ──┐                        ┌── room A ── a player's PC ──┐
 *                ├── LAN (a hub) ─────────┤                            (bridged: to the LAN)
 *    gateway B ──┘        │               └── room B
 *                    a station
 * ```
 */
import type { LoopEvent } from "../../../src/gateway/loop_guard.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { GatewayHarness } from "./harness.ts";
import { hex } from "../proto/frames.ts";

const STEP_MS = 5;
/** Frames that the hub carries in one step: a loop would never end. */
const HUB_FRAMES_MAX = 500;
/** What a probe is known by, in hex: its type, and its mark. */
export const PROBE_MARK = "88b56c616e70726f6265";

/** A LAN with gateways, moved on in small steps. */
export class Hub {
  readonly events: [atMs: number, gateway: number, event: LoopEvent][] = [];
  /** Whether a player's PC in each gateway's room passes broadcasts on to the LAN. */
  readonly bridged: boolean[] = [];
  /** Whether the hub gives each frame back to its sender, as a LAN with a loop does. */
  loops = false;
  nowMs = 1000;
  /** Broadcasts of stations and players that the hub has carried. */
  carried = 0;

  constructor(readonly gateways: GatewayHarness[]) {}

  /** A frame on the LAN's wire, from a gateway (its index) or from elsewhere (−1). */
  transmit(text: string, from: number): void {
    // Not the gateway's own: probes, witnesses, refreshes.
    if (text.slice(24, 28) !== "88b5") this.carried++;
    this.gateways.forEach((gateway, index) => {
      if (index !== from || this.loops) gateway.fromLan(hex(text));
    });
  }

  run(untilMs: number): void {
    for (; this.nowMs < untilMs; this.nowMs += STEP_MS) {
      for (const gateway of this.gateways) gateway.nowMs = this.nowMs;
      this.gateways.forEach((gateway) => gateway.core.handleTimer(this.nowMs));
      let budget = HUB_FRAMES_MAX;
      for (let moved = true; moved && budget > 0;) {
        moved = false;
        this.gateways.forEach((gateway, index) => {
          for (const text of gateway.lan.splice(0, budget)) {
            moved = true;
            budget--;
            this.transmit(text, index);
          }
          for (const text of gateway.tunnel()) {
            if (!this.bridged[index] || !text.startsWith("ffffffffffff") || budget <= 0) continue;
            moved = true;
            budget--;
            this.transmit(text, -1);
          }
        });
      }
      this.gateways.forEach((gateway, index) => {
        for (const event of gateway.core.drainLoopEvents()) {
          this.events.push([this.nowMs, index, event]);
        }
      });
    }
  }

  stopped(): boolean[] {
    return this.gateways.map((gateway) => gateway.core.stopped);
  }

  drain(): LoopEvent[] {
    return this.events.splice(0).map(([, , event]) => event);
  }
}

/** Gateways of as many rooms, with one player in each. */
export function hubOf(count: number): Hub {
  const gateways = Array.from({ length: count }, (_, index) => {
    const gateway = GatewayHarness.joined({ seed: index + 1, slots: 512 });
    const mac = `02:00:00:00:01:${(0x50 + index).toString(16)}`;
    if (index > 0) {
      gateway.core.handlePeerJoined({ peerId: asPeerId(1), role: "client", mac }, 1000);
    }
    return gateway;
  });
  return new Hub(gateways);
}
