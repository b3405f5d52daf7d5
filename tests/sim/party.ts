/**
 * Whole parties over a faulty network:
 *
 * ```
 *   players ──┐  lossy,          ┌── relay.test:443 ── redirects room FAR to ──┐
 *   gateways ─┼── reordering, ───┤                                             │
 *   vandals ──┘  breaking paths  └── other.test:443 <──────────────────────────┘
 * ```
 *
 * First chaos: frames of all kinds, processes that die, paths that break, relays that stop. Then calm, in
 * which everybody must find together again, and every frame must reach exactly whom it is for. Then
 * everybody leaves, and nothing may be left behind.
 */
import { assert, assertEquals } from "@std/assert";
import { TokenStore } from "../../src/endpoint/token_store.ts";
import { LocalDirectory } from "../../src/relay/directory.ts";
import type { SentFrame, Station } from "./ledger.ts";
import { Path } from "./network.ts";
import { SimEndpoint } from "./sim_endpoint.ts";
import { SimWorld } from "./sim_world.ts";
import {
  BROADCAST,
  forbiddenFromClient,
  forbiddenFromLan,
  ordinaryFrame,
  plainFrame,
} from "./traffic.ts";
import { Vandal } from "./vandal.ts";

const HOME = { host: "relay.test", port: 443 };
const OTHER = { host: "other.test", port: 443 };
const ROOMS = ["ALPHA", "BETA", "FAR"];
/** Longer than any wait of an endpoint that the chaos has put off, plus a session that must time out. */
const CALM_MS = 150_000;
/** After this every session of before is given up, also by the relay. */
const SESSION_END_MS = 30_000;
const WIDTHS_BYTES = [608, 700, 1_000, 1_252, 1_372, 1_450];

/** What a party is made of. */
export interface PartyPlan {
  readonly seed: number;
  readonly players: number;
  readonly vandals: number;
  readonly chaosMs: number;
  /** Mean time between faults; Infinity for none. */
  readonly faultsEveryMs: number;
  readonly lossy: boolean;
  /** Whether every path carries 1450 bytes at all times. */
  readonly uniform: boolean;
}

/** Somebody who wants to be in a room, and starts the program again when it has ended. */
interface Member {
  readonly station: Station;
  readonly way: Path;
  tokens: TokenStore;
  program: SimEndpoint | undefined;
  /** Whether the program is to be started again when it is gone. */
  wants: boolean;
  /** Whether the token was lost, so that the relay takes it for somebody else. */
  isNewInstallation: boolean;
}

/** One simulation. */
export class Party extends SimWorld {
  readonly members: Member[] = [];
  /** What has happened, for reports. */
  faults = 0;
  readonly #vandals: Vandal[] = [];
  readonly #programs: SimEndpoint[] = [];
  #chaotic = true;
  readonly #plan: PartyPlan;

  constructor(plan: PartyPlan) {
    super(plan.seed);
    this.#plan = plan;
    const target = { relay: "other.test:443", serverName: "other.test" };
    const directory = new LocalDirectory([["FAR", target]]);
    const options = { helloBurstMax: 1_000, hellosPerSecond: 100, queueBytesMax: 65_536 };
    this.addRelay("relay.test:443", { ...options, directory });
    this.addRelay("other.test:443", options);
    for (const relay of this.relays) relay.uniform = plan.uniform;
    for (const room of ROOMS) this.#addMember(`gateway of ${room}`, "gateway", undefined, room);
    for (let i = 0; i < plan.players; i++) {
      const mac = `02:00:00:00:00:${(0x10 + i).toString(16)}`;
      this.#addMember(`player ${i}`, "client", mac, ROOMS[i % ROOMS.length]);
    }
    const macs = this.members.flatMap(({ station }) => station.mac ?? []);
    for (let i = 0; i < plan.vandals; i++) {
      const station: Station = {
        name: `vandal ${i}`,
        role: "client",
        mac: `02:00:00:00:ff:0${i}`,
        room: ROOMS[i % 2],
      };
      this.#vandals.push(new Vandal(this, station, "relay.test:443", macs));
    }
  }

  /** Plays everything; throws where an invariant does not hold. */
  play(): void {
    const { timeline } = this;
    const chaosEndMs = timeline.nowMs + this.#plan.chaosMs;
    this.#scheduleTraffic();
    this.#scheduleFault();
    timeline.runUntil(chaosEndMs);
    this.#calmDown();
    timeline.runUntil(chaosEndMs + CALM_MS);
    this.#checkTogether();
    this.#checkDelivery();
    this.#checkOrder();
    for (const member of this.members) {
      member.wants = false;
      member.program?.leave();
    }
    timeline.runUntil(timeline.nowMs + 20_000);
    for (const relay of this.relays) relay.checkEmpty();
    for (const program of this.#programs) program.checkEmpty();
  }

  #addMember(
    name: string,
    role: "client" | "gateway",
    mac: string | undefined,
    room: string,
  ): void {
    const way = new Path();
    way.latencyMs = this.random.pick([1, 5, 20, 60]);
    const member: Member = {
      station: { name, role, mac, room },
      way,
      tokens: new TokenStore(),
      program: undefined,
      wants: true,
      isNewInstallation: false,
    };
    this.members.push(member);
    this.#disturb(way);
    this.timeline.after(this.random.integer(0, 2_000), () => this.#start(member));
    this.#supervise(member);
  }

  #start(member: Member): void {
    if (!member.wants || member.program !== undefined) return;
    member.program = new SimEndpoint(this, member.station, member.way, HOME, member.tokens);
    this.#programs.push(member.program);
  }

  /** The person in front of the program starts it again when it has ended. */
  #supervise(member: Member): void {
    this.timeline.after(this.random.integer(500, 3_000), () => {
      if (member.program?.ended !== undefined) member.program = undefined;
      if (member.program === undefined) this.#start(member);
      this.#supervise(member);
    });
  }

  // ---- chaos --------------------------------------------------------------------------------

  #disturb(way: Path): void {
    const { random } = this;
    const plan = this.#plan;
    if (!plan.uniform) {
      way.upBytes = random.pick(WIDTHS_BYTES);
      way.downBytes = random.pick(WIDTHS_BYTES);
    }
    if (!plan.lossy) return;
    way.loss = random.pick([0, 0, 0.02, 0.2]);
    way.duplicate = random.pick([0, 0.05]);
    way.jitterMs = random.pick([0, 2, 30]);
    way.bytesPerMs = random.pick([20, 200, 10_000]);
  }

  #scheduleTraffic(): void {
    if (!this.#chaotic) return;
    this.timeline.after(this.random.integer(5, 120), () => {
      const member = this.random.pick(this.members);
      for (let i = this.random.pick([1, 3, 40]); i > 0; i--) this.#sendSomething(member);
      this.#scheduleTraffic();
    });
  }

  #sendSomething({ station, program }: Member): void {
    if (program === undefined || !this.#chaotic) return;
    const { random } = this;
    const source = station.mac ?? lanMac(station.room, random.integer(1, 3));
    const others = this.members.flatMap(({ station: other }) => other.mac ?? []);
    const destination = random.pick([
      BROADCAST,
      "01:00:5e:00:00:fb",
      lanMac(station.room, 1),
      ...others.filter((mac) => mac !== source),
    ]);
    const draft = random.chance(0.05)
      ? station.role === "client"
        ? forbiddenFromClient(random, source)
        : forbiddenFromLan(random, source)
      : ordinaryFrame(random, destination, source);
    this.#send(program, station, draft.bytes, draft.forbidden);
  }

  #send(
    program: SimEndpoint,
    station: Station,
    bytes: Uint8Array,
    forbidden?: string,
  ): SentFrame {
    const frame = this.ledger.enter(bytes, station, this.timeline.nowMs, forbidden);
    program.sendFrame(bytes);
    return frame;
  }

  #scheduleFault(): void {
    const { random } = this;
    const plan = this.#plan;
    if (!this.#chaotic || plan.faultsEveryMs === Infinity) return;
    this.timeline.after(random.next() * 2 * plan.faultsEveryMs, () => {
      if (!this.#chaotic) return;
      this.faults++;
      this.#fault(random.pick(this.members));
      this.#scheduleFault();
    });
  }

  #fault(member: Member): void {
    const { random, timeline } = this;
    const relay = random.pick(this.relays);
    switch (random.integer(0, 11)) {
      case 0:
        // The token may be lost with the disk.
        if (random.chance(0.3)) {
          member.tokens = new TokenStore();
          member.isNewInstallation = true;
        }
        member.program?.crash();
        member.program = undefined;
        return timeline.after(random.integer(0, 10_000), () => this.#start(member));
      case 1:
      case 2:
      case 3:
        return this.breakPath(member.way, random.pick([50, 500, 5_000, 14_900, 15_100, 25_000]));
      case 4:
        return random.chance(0.3) ? relay.crash(random.pick([10, 500, 5_000])) : undefined;
      case 5:
        return random.chance(0.3) ? relay.restart(random.pick([0, 1_000]), 300) : undefined;
      case 6:
        return member.program?.leave();
      case 7:
        return relay.kickSomebody();
      case 8:
        return random.chance(0.3) ? relay.closeSomeRoom() : undefined;
      default:
        this.#disturb(member.way);
        for (const connection of this.connectionsOn(member.way)) connection.pathWidthChanged();
    }
  }

  #calmDown(): void {
    this.#chaotic = false;
    for (const { way } of this.members) way.heal(this.timeline.nowMs);
    for (const vandal of this.#vandals) vandal.stop();
    // Who has lost the token asks the host, when the last session of theirs is given up, too.
    this.timeline.after(SESSION_END_MS, () => {
      for (const { station, isNewInstallation } of this.members) {
        if (!isNewInstallation || station.mac === undefined) continue;
        for (const relay of this.relays) relay.core!.admin.release(station.room, station.mac);
      }
    });
  }

  // ---- calm ---------------------------------------------------------------------------------

  /** Everybody who wants to be in a room is there, and all agree on who is. */
  #checkTogether(): void {
    for (const room of ROOMS) {
      const relay = this.relays[room === "FAR" ? 1 : 0];
      const snapshot = relay.core!.rooms().find((one) => one.room === room);
      const members = this.members.filter(({ station }) => station.room === room);
      for (const { station, program } of members) {
        assert(program?.isJoined, `${station.name} is not in: ${program?.session.state}`);
        const { session } = program;
        const host = room === "FAR" ? OTHER.host : HOME.host;
        assertEquals(session.relay.host, host, `${station.name} is at the wrong relay`);
        assertEquals(session.room.tapMtu, snapshot!.tapMtu);
        assertEquals(session.room.gatewayPresent, true, `${station.name} sees no gateway`);
        const own = session.room.welcome!.peerId;
        const seen = session.room.peers.list().map(({ peerId, role, mac, name }) =>
          `${peerId} ${role} ${mac} ${name}`
        );
        const there = snapshot!.peers.filter(({ identity }) => identity.peerId !== own)
          .map(({ identity }) => {
            const mac = identity.role === "client" ? identity.mac : undefined;
            return `${identity.peerId} ${identity.role} ${mac} ${identity.name}`;
          });
        assertEquals(seen.toSorted(), there.toSorted(), `${station.name} does not know the room`);
        program.checkDrops();
      }
      assertEquals(snapshot!.peers.length, members.length, `strangers in ${room}`);
    }
  }

  /** Every frame reaches exactly whom it is for, exactly once. */
  #checkDelivery(): void {
    const expected: [SentFrame, readonly Station[]][] = [];
    for (const from of this.members) {
      const { station, program } = from;
      const others = this.members.filter((other) =>
        other !== from && other.station.room === station.room
      ).map((other) => other.station);
      const source = station.mac ?? lanMac(station.room, 1);
      const gateway = others.filter(({ role }) => role === "gateway");
      const send = (destination: string, length: number, to: readonly Station[]) => {
        const bytes = plainFrame(destination, source, length);
        expected.push([this.#send(program!, station, bytes), to]);
      };
      send(BROADCAST, 200, others);
      send("33:33:00:00:00:01", 1_514, others);
      for (const other of others) {
        if (other.mac !== undefined) send(other.mac, 1_414, [other]);
      }
      if (station.role === "client") send(lanMac(station.room, 2), 300, gateway);
    }
    this.timeline.runUntil(this.timeline.nowMs + 2_000);
    for (const [frame, to] of expected) {
      const reached = [...frame.reached].map(([at, times]) => `${at.name} ${times}`);
      const wanted = to.map(({ name }) => `${name} 1`);
      const what = `frame ${frame.number} of ${frame.from.name}, ${frame.bytes.length} bytes`;
      assertEquals(reached.toSorted(), wanted.toSorted(), what);
    }
  }

  /** Frames of one flow arrive in the order in which they were sent. */
  #checkOrder(): void {
    const firstNumber = this.ledger.frames.length;
    for (const { station, program } of this.members) {
      const source = station.mac ?? lanMac(station.room, 1);
      for (let i = 0; i < 15; i++) {
        this.#send(program!, station, plainFrame(BROADCAST, source, i % 2 === 0 ? 100 : 1_400));
      }
    }
    this.ledger.arrivals.length = 0;
    this.timeline.runUntil(this.timeline.nowMs + 2_000);
    const last = new Map<string, number>();
    for (const [number, at] of this.ledger.arrivals) {
      if (number < firstNumber) continue;
      const flow = `${this.ledger.frames[number].from.name} at ${at.name}`;
      assert((last.get(flow) ?? -1) < number, `frames of ${flow} were reordered`);
      last.set(flow, number);
    }
    const pairs = ROOMS.map((room) => this.members.filter(({ station }) => station.room === room))
      .reduce((sum, { length }) => sum + length * (length - 1), 0);
    assertEquals(last.size, pairs);
  }
}

function lanMac(room: string, host: number): string {
  return `00:1b:21:00:0${ROOMS.indexOf(room)}:0${host}`;
}
