/**
 * Keeps the routes that a player's PC needs while it is in the party's LAN, and says what becomes of the way to the
 * relay. The same for all systems: what is one system's own is behind {@linkcode RoutingTable}.
 *
 * ```
 *  notices, each 5 s ─► look ─► plan (`route_plan.ts`) ─► routes added and removed, each in the journal
 *                                  └─────────────────────► way to the relay ─► watch ─► events
 * ```
 *
 * @module
 */
import { type StatusEvent, statusLine } from "../observe/status.ts";
import { ToldTexts } from "../observe/told_texts.ts";
import { equalBytes } from "../proto/bytes.ts";
import { formatIp } from "../proto/ip.ts";
import { type IpAddress, type IpRoute, isSameRoute } from "../proto/ip_route.ts";
import type { LanNetworks, Surroundings } from "./lan_networks.ts";
import type { MachineRoutes } from "./machine_routes.ts";
import { type NetworkEvent, NetworkWatch } from "./network_watch.ts";
import { type NetworkSnapshot, planRoutes, type RoutePlan, type Way } from "./route_plan.ts";

/** How often it is looked whether there was a notice, ms. */
export const NOTICE_INTERVAL_MS = 250;
/** How often everything is looked at without one, ms: not all that decides on a way is told. */
export const RECHECK_INTERVAL_MS = 5_000;
/** A table that is being changed is looked at again when it has come to rest, ms. */
export const SETTLE_MS = 250;

/** What a system says at one moment. */
export interface NetworkLook {
  /** Without name servers, which are asked for where they matter. */
  readonly snapshot: NetworkSnapshot;
  readonly surroundings: Omit<Surroundings, "relays">;
}

/** The way that a system takes to the relay. */
export interface RelayWay {
  /** Without the adapter; undefined: there is none. */
  readonly way: Way | undefined;
  /** The relay is this very PC. */
  readonly isLocal: boolean;
  /** Whether packets go by the way on which the relay is held; undefined: it need not be held. */
  readonly isPinned: boolean | undefined;
  /** What is wrong with it, for the player. */
  readonly warning?: string;
}

/** One system's table of routes, and what follows from it there. */
export interface RoutingTable<Held> extends MachineRoutes<Held> {
  look(): NetworkLook;
  /** Name servers, by the networks of which they may be. */
  nameServers(clashes: RoutePlan["clashes"]): NetworkSnapshot["nameServers"];
  /** Whether a relay needs a route of its own to stay out of the adapter. */
  mustHold(relay: Uint8Array, look: NetworkLook, isHeld: boolean): boolean;
  /** There cannot be two routes to one destination: what goes has to go first. */
  readonly removesFirst: boolean;
  /** What else follows from a look, in this system's own ways; what there is to be said. */
  follow(look: NetworkLook, plan: RoutePlan, nowMs: number): readonly StatusEvent[];
  wayTo(relay: Uint8Array, look: NetworkLook, plan: RoutePlan, isHeld: boolean): RelayWay;
}

/** Whom the keeper tells what. Of texts each is told once. */
export interface RouteListener {
  say(event: StatusEvent): void;
  warn(text: string): void;
  /** What this PC has, at each look: whoever hears it tells the networks that the keeper asks. */
  surroundings(surroundings: Surroundings): void;
}

/** A route that was added. */
interface HeldRoute<Held> {
  readonly route: IpRoute;
  readonly held: Held;
}

/** See the module. */
export class RouteKeeper<Held> {
  readonly #table: RoutingTable<Held>;
  readonly #networks: LanNetworks;
  readonly #listener: RouteListener;
  readonly #watch = new NetworkWatch();
  readonly #held: HeldRoute<Held>[] = [];
  readonly #told = new ToldTexts();
  #dueMs = 0;
  #isPinned: boolean | undefined;
  #closed = false;

  /** @param networks which networks may be led into the adapter: those of the listener */
  constructor(table: RoutingTable<Held>, networks: LanNetworks, listener: RouteListener) {
    this.#table = table;
    this.#networks = networks;
    this.#listener = listener;
  }

  /** See {@linkcode RelayWay.isPinned}. */
  get isPinned(): boolean | undefined {
    return this.#isPinned;
  }

  /**
   * Sees to the way to a relay that is about to be connected to, before anything is sent there. The one before is
   * seen to until {@linkcode settle}.
   *
   * @param relay its address, 4 or 16 bytes
   * @param isAnother it is tried beside the one that is connected to, whose way is the one that counts
   */
  holdRelay(relay: Uint8Array, nowMs: number, isAnother = false): NetworkEvent | undefined {
    if (this.#closed) return undefined;
    if (isAnother) this.#watch.tryRelay(relay);
    else this.#watch.useRelay(relay);
    return this.#lookOrWarn(nowMs);
  }

  /** The relay at hand has let us in: the one before is let go at the next look. */
  settle(): void {
    if (this.#watch.settle()) this.lookSoon();
  }

  /** Something has changed that the system does not tell of. */
  lookSoon(): void {
    this.#dueMs = 0;
  }

  /** Looks whether anything has changed, and sees to it; to be called each {@linkcode NOTICE_INTERVAL_MS}. */
  check(nowMs: number): NetworkEvent | undefined {
    if (this.#closed) return undefined;
    const isNoticed = this.#table.takeNotice(nowMs >= this.#dueMs);
    if (!isNoticed && nowMs < this.#dueMs) return undefined;
    this.#dueMs = nowMs + (isNoticed ? SETTLE_MS : RECHECK_INTERVAL_MS);
    const { isWithout, relay } = this.#watch;
    // Before there is a relay no frame comes in or goes out, and no route is needed.
    const event = relay === undefined ? undefined : this.#lookOrWarn(nowMs);
    return event ?? (isNoticed && isWithout ? "changed" : undefined);
  }

  /** Ends the notices, and sees to nothing any more: the routes stay, for a journal that undoes all in its order. */
  stop(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#table.close();
  }

  /** Ends the notices, and takes the routes back. */
  close(): void {
    if (this.#closed) return;
    this.stop();
    for (const { route } of [...this.#held]) this.#letGo(route);
  }

  #lookOrWarn(nowMs: number): NetworkEvent | undefined {
    try {
      return this.#look(nowMs);
    } catch (error) {
      this.#warn(`This PC's routes cannot be seen to (${this.#failureOf(error)})`);
      return undefined;
    }
  }

  #look(nowMs: number): NetworkEvent | undefined {
    const look = this.#table.look();
    const { relay, relays } = this.#watch;
    const surroundings = { ...look.surroundings, relays };
    this.#listener.surroundings(surroundings);
    const plan = this.#plan(look);
    const letGo = () => plan.remove.forEach((route) => this.#letGo(route));
    if (this.#table.removesFirst) letGo();
    for (const route of plan.add) this.#hold(route);
    if (!this.#table.removesFirst) letGo();
    for (const event of this.#table.follow(look, plan, nowMs)) this.#say(event);
    for (const network of plan.yielded) this.#say({ type: "networkYielded", network });
    for (const { network } of plan.clashes) this.#say({ type: "sameSubnet", network });
    if (relay === undefined) return undefined;
    const { way, isLocal, isPinned, warning } = this.#table.wayTo(
      relay,
      look,
      plan,
      this.#isHeld(relay),
    );
    this.#isPinned = isPinned;
    if (warning !== undefined) this.#warn(warning);
    return isLocal ? undefined : this.#watch.handleWay(way, nowMs);
  }

  #plan(look: NetworkLook): RoutePlan {
    const ours = this.#held.map(({ route }) => route);
    const wishes = {
      tapIndex: look.surroundings.tapIndex,
      relays: this.#watch.relays.filter((relay) =>
        this.#table.mustHold(relay, look, this.#isHeld(relay))
      ),
      mustYield: (address: IpAddress) => this.#networks.mustYield(address),
    };
    const plan = planRoutes(look.snapshot, wishes, ours);
    if (plan.clashes.length === 0) return plan;
    // Only now name servers matter; some systems take a while to tell them.
    const nameServers = this.#table.nameServers(plan.clashes);
    return planRoutes({ ...look.snapshot, nameServers }, wishes, ours);
  }

  #isHeld(relay: Uint8Array): boolean {
    return this.#held.some(({ route }) => equalBytes(route.destination, relay));
  }

  #hold(route: IpRoute): void {
    // One that is held and has to be added again was deleted by somebody: it is written down already.
    const index = this.#held.findIndex((one) => isSameRoute(one.route, route));
    if (index >= 0) this.#table.forget(this.#held.splice(index, 1)[0].held);
    try {
      const held = this.#table.add(route);
      if (held !== undefined) this.#held.push({ route, held });
    } catch (error) {
      const where = formatIp(route.destination);
      this.#warn(`The route to ${where} could not be held (${this.#failureOf(error)})`);
    }
  }

  #letGo(route: IpRoute): void {
    const index = this.#held.findIndex((one) => isSameRoute(one.route, route));
    if (index < 0) return;
    try {
      this.#table.remove(this.#held.splice(index, 1)[0].held);
    } catch (error) {
      this.#warn(`A route could not be taken back (${this.#failureOf(error)})`);
    }
  }

  /** @throws what is no failure of the table's */
  #failureOf(error: unknown): string {
    const failure = this.#table.failureOf(error);
    if (failure === undefined) throw error;
    return failure;
  }

  #say(event: StatusEvent): void {
    if (this.#told.isNew(statusLine(event).text)) this.#listener.say(event);
  }

  #warn(text: string): void {
    if (this.#told.isNew(text)) this.#listener.warn(text);
  }
}
