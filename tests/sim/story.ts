/** A simulated world in which a test starts the programs by hand. */
import { assert } from "@std/assert";
import { TokenStore } from "../../src/endpoint/token_store.ts";
import { Path } from "./network.ts";
import { SimEndpoint } from "./sim_endpoint.ts";
import { SimWorld } from "./sim_world.ts";

export const RELAY = "relay.test:443";
export const A = "02:00:00:00:00:0a";
export const B = "02:00:00:00:00:0b";

/** A world in which programs are started by hand. */
export class Story extends SimWorld {
  constructor() {
    super(42);
  }

  /** Starts a client (with a MAC) or a gateway. */
  start(
    name: string,
    mac: string | undefined,
    options: {
      way?: Path;
      tokens?: TokenStore;
      room?: string;
      key?: Uint8Array;
      features?: readonly string[];
    } = {},
  ): SimEndpoint {
    const { way = new Path(), tokens = new TokenStore(), room = "PARTY", key, features } = options;
    const role = mac === undefined ? "gateway" : "client";
    const relay = { host: "relay.test", port: 443 };
    const station = {
      name,
      role,
      mac,
      room,
      ...(key === undefined ? {} : { key }),
      features,
    } as const;
    return new SimEndpoint(this, station, way, relay, tokens);
  }

  pass(durationMs: number): void {
    this.timeline.runUntil(this.timeline.nowMs + durationMs);
  }

  /** Lets time pass until something is so, and says how long that took. */
  until(what: string, isSo: () => boolean, maxMs: number): number {
    const startedMs = this.timeline.nowMs;
    while (!isSo()) {
      assert(this.timeline.nowMs - startedMs < maxMs, `${what}: not within ${maxMs} ms`);
      this.pass(10);
    }
    return this.timeline.nowMs - startedMs;
  }

  /** Sends a frame and says whom it reaches, and how late. */
  say(from: SimEndpoint, bytes: Uint8Array): string[] {
    const frame = this.ledger.enter(bytes, from.station, this.timeline.nowMs);
    from.sendFrame(bytes);
    this.pass(500);
    return [...frame.reached.keys()].map(({ name }) => name).toSorted();
  }
}

/** A gateway, Ann and Bob in a room. */
export function party() {
  const story = new Story();
  const relay = story.addRelay(RELAY);
  const gateway = story.start("gateway", undefined);
  const ann = story.start("Ann", A);
  const bob = story.start("Bob", B);
  story.until("joining", () => [gateway, ann, bob].every(({ isJoined }) => isJoined), 1_500);
  story.pass(100);
  return { story, relay, gateway, ann, bob };
}
