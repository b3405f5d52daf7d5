/** Time, randomness, relays and connections: what every simulation is made of. */
import { assert } from "@std/assert";
import type { RelayOptions } from "../../src/relay/limits.ts";
import { Ledger } from "./ledger.ts";
import { type Path, type Side, SimConnection } from "./network.ts";
import { SeededRandom } from "./random.ts";
import type { World } from "./sim_endpoint.ts";
import { SimRelay } from "./sim_relay.ts";
import { Timeline } from "./timeline.ts";

/** A world with relays in it. */
export class SimWorld implements World {
  readonly timeline = new Timeline();
  readonly random: SeededRandom;
  readonly ledger = new Ledger(this.timeline);
  readonly relays: SimRelay[] = [];
  readonly #connections = new Set<SimConnection>();

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  /** Starts a relay at `HOST:PORT`. */
  addRelay(address: string, options: Partial<RelayOptions> = {}): SimRelay {
    const relay = new SimRelay(
      address,
      { allowVlan: true, ...options },
      this.timeline,
      this.random,
    );
    this.relays.push(relay);
    return relay;
  }

  connect(address: string, path: Path, side: Side): SimConnection {
    const relay = this.relays.find((one) => one.address === address);
    assert(relay !== undefined, `nobody was told of ${address}`);
    const listening = relay.core === undefined ? undefined : relay;
    const connection = new SimConnection(this.timeline, this.random, path, side, listening);
    for (const old of this.#connections) {
      if (!old.isOpen("endpoint") && !old.isOpen("relay")) this.#connections.delete(old);
    }
    this.#connections.add(connection);
    return connection;
  }

  /** A path carries nothing for a while. */
  breakPath(way: Path, durationMs: number): void {
    if (!way.isUp) return;
    way.isUp = false;
    const outage = ++way.outage;
    for (const connection of this.connectionsOn(way)) connection.pathDown();
    this.timeline.after(durationMs, () => {
      if (way.outage === outage) way.restore(this.timeline.nowMs);
    });
  }

  /** The connections over a path. */
  connectionsOn(way: Path): SimConnection[] {
    return [...this.#connections].filter((connection) => connection.path === way);
  }
}
