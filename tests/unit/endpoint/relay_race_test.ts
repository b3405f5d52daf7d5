/** Which of a relay's addresses is tried when, with a clock of the test's. */
import { assertEquals } from "@std/assert";
import type { ClosedReason, RelayTarget } from "../../../src/endpoint/actions.ts";
import {
  type Contender,
  CONTENDERS_MAX,
  mostTelling,
  type RelayAddress,
  RelayRace,
} from "../../../src/endpoint/relay_race.ts";

const FIRST: RelayTarget = { host: "relay.example.org", port: 443, serverName: "x" };
const PORT: RelayTarget = { ...FIRST, port: 8443 };
const OTHER: RelayTarget = { host: "other.example.org", port: 443, serverName: "x" };
const SIX = ["2001:db8::1", "2001:db8::2"];
const FOUR = ["192.0.2.1", "192.0.2.2"];

function addresses(port: number, ...hosts: readonly string[]): RelayAddress[] {
  return hosts.map((host) => ({
    family: host.includes(":") ? "ipv6" : "ipv4",
    host,
    port,
    scopeId: 0,
  }));
}

/** A race, and all that it has asked for, with the times. */
class Track {
  readonly race: RelayRace;
  readonly seen: string[] = [];
  readonly opened: Contender[] = [];
  reason: ClosedReason | undefined;
  nowMs = 1_000;

  constructor(
    targets: readonly RelayTarget[],
    readonly known: { good?: string; suspect?: string } = {},
  ) {
    this.race = new RelayRace(targets, {
      isKnownGood: (_target, { host }) => host === known.good,
      isSuspect: ({ host }) => host === known.suspect,
    }, this.nowMs);
    this.#drain();
  }

  #drain(): void {
    for (const action of this.race.drainActions()) {
      switch (action.type) {
        case "resolve":
          break;
        case "lost":
          this.reason = action.reason;
          this.seen.push(`${this.nowMs - 1_000} lost`);
          break;
        default: {
          const { host, port } = action.contender.address;
          if (action.type === "open") this.opened.push(action.contender);
          this.seen.push(`${this.nowMs - 1_000} ${action.type} ${host} ${port}`);
        }
      }
    }
  }

  resolved(target: RelayTarget, ...hosts: readonly string[]): void {
    this.race.handleAddresses(target, addresses(target.port, ...hosts), this.nowMs);
    this.#drain();
  }

  unresolved(target: RelayTarget, reason: ClosedReason): void {
    this.race.handleNoAddress(target, reason, this.nowMs);
    this.#drain();
  }

  #contender(host: string) {
    const found = this.opened.find(({ address }) => address.host === host);
    if (found === undefined) throw new Error(`${host} is not tried`);
    return found;
  }

  failing(host: string): void {
    this.race.handleFailing(this.#contender(host), this.nowMs);
    this.#drain();
  }

  failed(host: string, reason: ClosedReason): void {
    this.race.handleFailed(this.#contender(host), reason, this.nowMs);
    this.#drain();
  }

  won(host: string): void {
    this.race.handleWon(this.#contender(host));
    this.#drain();
  }

  pass(ms: number): void {
    for (const endMs = this.nowMs + ms;;) {
      const dueMs = this.race.nextDeadlineMs();
      if (dueMs > endMs) {
        this.nowMs = endMs;
        return;
      }
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.race.handleTimer(this.nowMs);
      this.#drain();
    }
  }

  take(): string[] {
    return this.seen.splice(0);
  }
}

Deno.test("the IP versions are tried by turns, 250 ms apart, and the first that answers wins", () => {
  const track = new Track([FIRST]);
  track.resolved(FIRST, ...SIX, ...FOUR);
  track.pass(600);
  assertEquals(track.take(), [
    `0 open ${SIX[0]} 443`,
    `250 open ${FOUR[0]} 443`,
    `500 open ${SIX[1]} 443`,
  ]);
  track.won(FOUR[0]);
  assertEquals(track.take(), [`600 abandon ${SIX[0]} 443`, `600 abandon ${SIX[1]} 443`]);
  track.pass(10_000);
  assertEquals(track.take(), []);
  assertEquals([track.race.isOver, track.race.nextDeadlineMs()], [true, Infinity]);
});

Deno.test("one that fails is followed at once, also while it is still looked for why", () => {
  const track = new Track([FIRST]);
  track.resolved(FIRST, SIX[0], FOUR[0], FOUR[1]);
  track.pass(100);
  track.failing(SIX[0]);
  assertEquals(track.take(), [`0 open ${SIX[0]} 443`, `100 open ${FOUR[0]} 443`]);
  track.failed(SIX[0], { transport: "noIpv6" });
  track.pass(20);
  track.failed(FOUR[0], { transport: "nobodyListens" });
  assertEquals(track.take(), [`100 open ${FOUR[1]} 443`]);
});

Deno.test("the last winner is tried first, and the one that has just died last", () => {
  const winner = new Track([FIRST], { good: FOUR[0] });
  winner.resolved(FIRST, ...SIX, ...FOUR);
  assertEquals(winner.take(), [`0 open ${FOUR[0]} 443`]);
  const dead = new Track([FIRST], { good: SIX[0], suspect: SIX[0] });
  dead.resolved(FIRST, SIX[0], FOUR[0]);
  dead.pass(300);
  assertEquals(dead.take(), [`0 open ${FOUR[0]} 443`, `250 open ${SIX[0]} 443`]);
});

Deno.test("a relay's other port follows as its addresses do", () => {
  const track = new Track([FIRST, PORT]);
  track.resolved(FIRST, FOUR[0]);
  track.resolved(PORT, FOUR[0]);
  track.pass(250);
  assertEquals(track.take(), [`0 open ${FOUR[0]} 443`, `250 open ${FOUR[0]} 8443`]);
});

Deno.test("the next relay waits for 2 s, or until the one before it has failed", () => {
  const slow = new Track([FIRST, OTHER]);
  slow.resolved(FIRST, FOUR[0]);
  slow.resolved(OTHER, FOUR[1]);
  slow.pass(1_999);
  assertEquals(slow.take(), [`0 open ${FOUR[0]} 443`]);
  slow.pass(1);
  assertEquals(slow.take(), [`2000 open ${FOUR[1]} 443`]);
  const failed = new Track([FIRST, OTHER]);
  failed.resolved(FIRST, FOUR[0]);
  failed.resolved(OTHER, FOUR[1]);
  failed.pass(40);
  failed.failed(FOUR[0], { transport: "nobodyListens" });
  assertEquals(failed.take(), [`0 open ${FOUR[0]} 443`, `40 open ${FOUR[1]} 443`]);
});

Deno.test("a name that is looked up for long does not hold the next relay up for longer", () => {
  const track = new Track([FIRST, OTHER]);
  track.resolved(OTHER, FOUR[1]);
  track.pass(1_999);
  assertEquals([track.take(), track.race.unresolved], [[], [FIRST]]);
  track.pass(1);
  assertEquals(track.take(), [`2000 open ${FOUR[1]} 443`]);
  track.pass(100);
  track.resolved(FIRST, FOUR[0]);
  track.pass(250);
  assertEquals(track.take().map((line) => line.slice(5)), [`open ${FOUR[0]} 443`]);
});

Deno.test("when nobody is left, the reason that tells most is handed on", () => {
  const track = new Track([FIRST, OTHER]);
  track.unresolved(OTHER, { transport: "unresolved" });
  track.resolved(FIRST, SIX[0], FOUR[0]);
  track.failed(SIX[0], { transport: "noIpv6" });
  assertEquals(track.reason, undefined);
  track.failed(FOUR[0], { transport: "timeout" });
  assertEquals(track.reason, { transport: "timeout" });
  assertEquals(track.take().at(-1), "0 lost");
  const nameless = new Track([FIRST]);
  nameless.unresolved(FIRST, { transport: "noNameServer" });
  assertEquals(nameless.reason, { transport: "noNameServer" });
});

Deno.test("what is found of a certificate is told before what is not found at all", () => {
  const reasons: ClosedReason[] = [
    { transport: "noIpv6" },
    { transport: "timeout" },
    { transport: "certificate" },
  ];
  assertEquals(mostTelling(reasons), { transport: "certificate" });
  assertEquals(mostTelling([]), undefined);
});

Deno.test("a race has an end, however many addresses there are", () => {
  const track = new Track([FIRST]);
  const many = Array.from({ length: 40 }, (_, index) => `192.0.2.${index + 1}`);
  track.resolved(FIRST, ...many);
  track.pass(60_000);
  assertEquals(track.take().length, CONTENDERS_MAX);
  for (const { address } of track.opened) {
    track.failed(address.host, { transport: "timeout" });
  }
  assertEquals(track.reason, { transport: "timeout" });
});

Deno.test("a race that is called off leaves nobody behind, and takes no winner", () => {
  const track = new Track([FIRST]);
  track.resolved(FIRST, SIX[0], FOUR[0]);
  track.pass(250);
  const [contender] = track.opened;
  track.race.close();
  track.pass(0);
  assertEquals(track.race.handleWon(contender), false);
  assertEquals(track.race.drainActions().map(({ type }) => type), ["abandon", "abandon"]);
});
