/**
 * DHCP clients and servers on a LAN that loses, repeats and delays frames:
 *
 * ```
 *  client ── frames ──►  LAN: delay, loss, repetition  ──► server 192.0.2.1
 *  client ◄───────────                                 ◄── server 192.0.2.2
 * ```
 */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { DhcpClient, type DhcpEvent } from "../../src/client/dhcp_client.ts";
import { readDhcpReply } from "../../src/client/dhcp_reply.ts";
import {
  address,
  type Answer,
  type DhcpServerSettings,
  readQuestion,
  SimDhcpServer,
} from "./dhcp_server.ts";
import { SeededRandom } from "./random.ts";
import { Alarm, Timeline } from "./timeline.ts";

const SEEDS = 25;
const DELAY_MS = 20;
const MINUTE_MS = 60_000;

interface Faults {
  readonly loss?: number;
  readonly repetition?: number;
  /** Further delay, up to so much. */
  readonly jitterMs?: number;
}

class Lan {
  readonly timeline = new Timeline();
  readonly random: SeededRandom;
  readonly servers: SimDhcpServer[] = [];
  readonly players: Player[] = [];
  /** Every frame that a client has sent, with its time. */
  readonly sent: { readonly atMs: number; readonly frame: Uint8Array }[] = [];
  faults: Faults = {};
  onAnswer: (answer: Answer) => Answer | undefined = (answer) => answer; // between server and client

  constructor(seed = 1) {
    this.random = new SeededRandom(seed);
  }

  addServer(settings: Partial<DhcpServerSettings> = {}): SimDhcpServer {
    const number = this.servers.length + 1;
    const range = { first: 50 * number, last: 50 * number + 20 };
    const server = new SimDhcpServer({ number, ...range, leaseSeconds: 3_600, ...settings });
    this.servers.push(server);
    return server;
  }

  addPlayer(): Player {
    const player = new Player(this, this.players.length + 0x51);
    this.players.push(player);
    return player;
  }

  carry(deliver: () => void): void {
    const { loss = 0, repetition = 0, jitterMs = 0 } = this.faults;
    for (let copies = this.random.chance(repetition) ? 2 : 1; copies > 0; copies--) {
      if (this.random.chance(loss)) continue;
      this.timeline.after(DELAY_MS + this.random.next() * jitterMs, deliver);
    }
  }

  pass(durationMs: number): void {
    this.timeline.runUntil(this.timeline.nowMs + durationMs);
  }

  /** Lets time pass until something is so; how long that took. */
  until(what: string, isSo: () => boolean, maxMs: number): number {
    const startedMs = this.timeline.nowMs;
    while (!isSo()) {
      assert(this.timeline.nowMs - startedMs < maxMs, `${what}: not within ${maxMs} ms`);
      this.pass(5);
    }
    return this.timeline.nowMs - startedMs;
  }
}

class Player {
  readonly client: DhcpClient;
  readonly events: DhcpEvent[] = [];
  clockMs = 0; // how far this PC's clock is from the LAN's
  readonly #mac: Uint8Array;
  readonly #alarm: Alarm;
  readonly #lan: Lan;

  constructor(lan: Lan, number: number) {
    this.#lan = lan;
    this.#mac = Uint8Array.of(2, 0, 0, 0, 0, number);
    this.client = new DhcpClient({
      mac: this.#mac,
      hostName: "player",
      random: (count) => lan.random.bytes(count),
      allowLanDefaultRoute: false,
    });
    this.#alarm = new Alarm(lan.timeline, () => this.act(() => {}));
  }

  get nowMs(): number {
    return this.#lan.timeline.nowMs + this.clockMs;
  }

  get address(): number | undefined {
    return this.client.lease?.address;
  }

  get losses(): string[] {
    return this.events.flatMap((event) => event.type === "lost" ? [event.why] : []);
  }

  act(work: (nowMs: number) => void): void {
    this.client.handleTimeout(this.nowMs);
    work(this.nowMs);
    this.events.push(...this.client.drainEvents());
    for (const frame of this.client.drainFrames()) this.send(frame);
    this.#alarm.set(this.client.deadlineMs - this.clockMs);
  }

  start(remembered?: { address: number; leftMs: number }): this {
    this.act((nowMs) => this.client.start(nowMs, remembered));
    return this;
  }

  send(frame: Uint8Array): void {
    const lan = this.#lan;
    lan.sent.push({ atMs: lan.timeline.nowMs, frame });
    for (const server of lan.servers) {
      lan.carry(() => {
        const said = server.hear(frame, lan.timeline.nowMs);
        const answer = said && lan.onAnswer(said);
        if (answer !== undefined) lan.carry(() => this.hear(answer));
      });
    }
  }

  hear({ message, serverMac }: Answer): void {
    const reply = readDhcpReply(message, 0, message.length, this.#mac);
    assert(reply !== undefined);
    this.act((nowMs) => this.client.handleReply(reply, serverMac, nowMs));
  }
}

Deno.test("sim: DHCP gives an address after two round trips, and asks for what is used alone", () => {
  const lan = new Lan();
  const server = lan.addServer();
  const player = lan.addPlayer().start();
  const tookMs = lan.until("a lease", () => player.address !== undefined, MINUTE_MS);
  assertLess(tookMs, 4 * DELAY_MS + 10);
  assertEquals(player.address, address(50));
  assertEquals(player.client.lease?.prefixBits, 24);
  assertEquals(player.events.map(({ type }) => type), ["asking", "lease"]);
  assertEquals(server.heard.map(({ type }) => type), [1, 3]);
  assertEquals(server.heard.map(({ hostName }) => hostName), ["player", "player"]);
  assertEquals(server.heard.map(({ parameters }) => parameters), [[1, 28], [1, 28]]);
});

Deno.test("sim: DHCP over a LAN that loses, repeats and delays: each has an address of his own", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const lan = new Lan(seed);
    lan.faults = { loss: 0.3, repetition: 0.2, jitterMs: 200 };
    const server = lan.addServer();
    const players = [1, 2, 3].map(() => lan.addPlayer().start());
    lan.until(
      `seed ${seed}`,
      () => players.every((player) => player.address !== undefined),
      5 * MINUTE_MS,
    );
    assertEquals(new Set(players.map((player) => player.address)).size, 3, `seed ${seed}`);
    for (const entry of server.entries.values()) {
      assert(players.some((player) => player.address === entry.address), `seed ${seed}`);
    }
  }
});

Deno.test("sim: DHCP of two servers: one is taken, the other learns of it, and takes over when the first is gone", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const lan = new Lan(seed);
    lan.faults = { jitterMs: 10 };
    const servers = [lan.addServer({ leaseSeconds: 120 }), lan.addServer({ leaseSeconds: 120 })];
    const player = lan.addPlayer().start();
    lan.until("a lease", () => player.address !== undefined, MINUTE_MS);
    lan.pass(1_000);
    const [own, other] = servers.toSorted((a, b) => b.entries.size - a.entries.size);
    assertEquals([own.entries.size, other.entries.size], [1, 0], `seed ${seed}`);
    assertEquals(player.client.lease?.serverId, own.id);
    lan.pass(10 * MINUTE_MS);
    assertEquals(player.losses, [], `seed ${seed}`);
    own.isUp = false;
    lan.until("the other", () => player.client.lease?.serverId === other.id, 3 * MINUTE_MS);
    assertEquals(player.losses, ["over"], `seed ${seed}`);
  }
});

Deno.test("sim: a remembered DHCP address is confirmed in one round trip", () => {
  const lan = new Lan();
  const server = lan.addServer({ authoritative: true });
  const player = lan.addPlayer().start({ address: address(57), leftMs: MINUTE_MS });
  const tookMs = lan.until("a lease", () => player.address !== undefined, MINUTE_MS);
  assertLess(tookMs, 2 * DELAY_MS + 10);
  assertEquals(player.address, address(57));
  assertEquals(server.heard.map(({ type, server }) => [type, server]), [[3, undefined]]);
});

Deno.test("sim: a remembered DHCP address of another network is refused, and another one is there at once", () => {
  const lan = new Lan();
  lan.addServer({ authoritative: true });
  const player = lan.addPlayer().start({ address: address(250), leftMs: MINUTE_MS });
  const tookMs = lan.until("a lease", () => player.address !== undefined, MINUTE_MS);
  assertLess(tookMs, 6 * DELAY_MS + 10);
  assertEquals(player.address, address(50));
  assertEquals(player.losses, []);
});

Deno.test("sim: a remembered DHCP address that nobody knows of is asked for again as one among others", () => {
  const lan = new Lan();
  lan.addServer();
  const player = lan.addPlayer().start({ address: address(57), leftMs: MINUTE_MS });
  lan.until("a lease", () => player.address !== undefined, 20_000);
  assertEquals(player.address, address(57));
});

Deno.test("sim: a DHCP lease that is over is not asked for by name", () => {
  const lan = new Lan();
  const server = lan.addServer();
  lan.addPlayer().start({ address: address(57), leftMs: 0 });
  lan.pass(1_000);
  assertEquals(server.heard[0].type, 1);
});

Deno.test("sim: a DHCP server that says no to everything is not asked without end", () => {
  const lan = new Lan();
  lan.addServer({ refuses: true });
  const player = lan.addPlayer().start();
  lan.pass(10 * MINUTE_MS);
  assertEquals(player.address, undefined);
  // A question and a request for each pause of ten seconds.
  assertLess(lan.sent.length, 2 * 10 * 6 + 10);
});

Deno.test("sim: a DHCP server that offers first and never stands by it does not keep another one's address away", () => {
  for (const fault of ["refuses", "silent"]) {
    const lan = new Lan();
    const first = lan.addServer({ refuses: fault === "refuses" });
    const other = lan.addServer();
    lan.onAnswer = (answer) => {
      const isFirsts = answer.serverMac[5] === first.settings.number;
      const isAck = answer.message[242] === 5;
      return fault === "silent" && isFirsts && isAck ? undefined : answer;
    };
    const player = lan.addPlayer().start();
    const tookMs = lan.until("a lease", () => player.address !== undefined, MINUTE_MS);
    assertLess(tookMs, fault === "refuses" ? 8 * DELAY_MS + 10 : 10_000, fault);
    assertEquals(player.client.lease?.serverId, other.id, fault);
    assertGreater(first.heard.length, 2, fault);
  }
});

Deno.test("sim: a DHCP server that comes late has given an address after ten seconds", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const lan = new Lan(seed);
    const player = lan.addPlayer().start();
    lan.pass(5 * MINUTE_MS + seed * 1_000);
    lan.addServer();
    const tookMs = lan.until("a lease", () => player.address !== undefined, MINUTE_MS);
    assertLess(tookMs, 8_000 * 1.25 + 4 * DELAY_MS + 10, `seed ${seed}`);
  }
  // Whoever hears that the gateway has come asks at once.
  const lan = new Lan();
  const player = lan.addPlayer().start();
  lan.pass(5 * MINUTE_MS);
  lan.addServer();
  player.act((nowMs) => player.client.handleReconnect(nowMs));
  const tookMs = lan.until("a lease", () => player.address !== undefined, MINUTE_MS);
  assertLess(tookMs, 4 * DELAY_MS + 10);
});

Deno.test("sim: DHCP leases of 60 s are extended in time, over a LAN that loses every fifth frame", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const lan = new Lan(seed);
    lan.addServer({ leaseSeconds: 60 });
    const player = lan.addPlayer().start();
    lan.until("a lease", () => player.address !== undefined, MINUTE_MS);
    const had = player.address;
    lan.faults = { loss: 0.2, repetition: 0.1, jitterMs: 100 };
    lan.pass(60 * MINUTE_MS);
    assertEquals([player.address, player.losses], [had, []], `seed ${seed}`);
    assertGreater(player.events.filter(({ type }) => type === "extended").length, 60);
    // At most one of a few seconds: that is no flood.
    assertLess(lan.sent.length, 60 * MINUTE_MS / 5_000);
  }
});

Deno.test("sim: a DHCP lease for ever is not extended", () => {
  const lan = new Lan();
  lan.addServer({ leaseSeconds: 0xffffffff });
  const player = lan.addPlayer().start();
  lan.pass(1_000);
  assertEquals(player.client.lease?.leaseMs, Infinity);
  assertEquals(player.client.deadlineMs, Infinity);
  assertEquals(lan.sent.length, 2);
});

Deno.test("sim: a DHCP lease of 0 s is none, and is not asked for without end", () => {
  const lan = new Lan();
  lan.addServer({ leaseSeconds: 0 });
  const player = lan.addPlayer().start();
  lan.pass(10 * MINUTE_MS);
  assertEquals(player.events.map(({ type }) => type), ["asking"]);
  assertLess(lan.sent.length, 10 * MINUTE_MS / 6_000);
});

Deno.test("sim: DHCP behind a sleep: an address whose lease is over is not used, and is had again", () => {
  const lan = new Lan();
  lan.addServer({ leaseSeconds: 600 });
  const player = lan.addPlayer().start();
  lan.pass(1_000);
  const had = player.address;
  player.clockMs += 60 * MINUTE_MS;
  player.act(() => {});
  assertEquals([player.address, player.losses], [undefined, ["over"]]);
  lan.until("a lease", () => player.address !== undefined, MINUTE_MS);
  assertEquals(player.address, had);
});

Deno.test("sim: DHCP behind a shorter sleep: the lease is extended at once", () => {
  const lan = new Lan();
  const server = lan.addServer({ leaseSeconds: 600 });
  const player = lan.addPlayer().start();
  lan.pass(1_000);
  player.clockMs += 9.5 * MINUTE_MS;
  player.act(() => {});
  lan.pass(1_000);
  assertEquals([player.losses, player.client.state], [[], "bound"]);
  assertEquals(server.heard.at(-1)?.type, 3);
});

Deno.test("sim: a DHCP address that somebody else uses is declined, and another one is asked for behind a pause", () => {
  const lan = new Lan();
  const server = lan.addServer();
  const player = lan.addPlayer().start();
  lan.pass(1_000);
  player.act((nowMs) => player.client.handleConflict(nowMs));
  assertEquals([player.address, player.losses], [undefined, ["conflict"]]);
  const tookMs = lan.until("a lease", () => player.address !== undefined, MINUTE_MS);
  assertGreater(tookMs, 10_000);
  assertEquals([...server.declined], [address(50)]);
  assertEquals(player.address, address(51));
});

Deno.test("sim: a LAN where somebody has every DHCP address is not emptied, and gives one when that is over", () => {
  const lan = new Lan();
  const server = lan.addServer({ first: 50, last: 250 });
  const player = lan.addPlayer().start();
  const suffer = (durationMs: number) => {
    const endMs = lan.timeline.nowMs + durationMs;
    while (lan.timeline.nowMs < endMs) {
      lan.until("a lease", () => player.address !== undefined, 2 * MINUTE_MS);
      player.act((nowMs) => player.client.handleConflict(nowMs));
    }
  };
  suffer(60 * MINUTE_MS);
  assertLess(server.declined.size, 10 + 60);
  lan.until("a lease", () => player.address !== undefined, 2 * MINUTE_MS);
  // Once an address has lasted, a conflict is a single one again.
  lan.pass(60 * MINUTE_MS);
  suffer(1);
  const tookMs = lan.until("a lease", () => player.address !== undefined, 2 * MINUTE_MS);
  assertLess(tookMs, 11_000);
});

Deno.test("sim: a released DHCP address is free, and nothing more is asked for", () => {
  const lan = new Lan();
  const server = lan.addServer();
  const player = lan.addPlayer().start();
  lan.pass(1_000);
  player.act((nowMs) => player.client.release(nowMs));
  lan.pass(60 * MINUTE_MS);
  assertEquals(server.entries.size, 0);
  const last = readQuestion(lan.sent.at(-1)!.frame);
  assertEquals([last.type, last.clientAddress, last.isBroadcast], [7, address(50), false]);
  assertEquals(lan.sent.length, 3);
  assertEquals(player.losses, ["released"]);
});

Deno.test("sim: what answers another DHCP question than that of this client changes nothing", () => {
  const lan = new Lan();
  const server = lan.addServer({ leaseSeconds: 60 });
  const stranger = new SimDhcpServer({ ...server.settings, number: 9 });
  const player = lan.addPlayer().start();
  lan.pass(1_000);
  const { frame } = lan.sent[1];
  const question = readQuestion(frame);
  const lies: Answer[] = [
    server.answer(question, 5, address(99)), // not what was asked for
    server.answer({ ...question, xid: question.xid ^ 1 }, 6, 0),
    stranger.answer(question, 6, 0),
    stranger.answer(question, 2, address(99)),
    server.answer(question, 5, address(50), 0),
    server.answer(question, 13, address(50)),
  ];
  const before = player.client.lease;
  for (const lie of lies) player.hear(lie);
  assertEquals([player.client.lease, player.losses], [before, []]);
  // The same while the lease is being extended: only its own server is listened to.
  server.isUp = false;
  lan.until("extending", () => player.client.state === "renewing", MINUTE_MS);
  const renewing = readQuestion(lan.sent.at(-1)!.frame);
  assertEquals([renewing.isBroadcast, renewing.server], [false, undefined]);
  player.hear(stranger.answer(renewing, 6, 0));
  player.hear(server.answer(renewing, 5, address(99)));
  assertEquals([player.address, player.losses], [address(50), []]);
  player.hear(server.answer(renewing, 6, 0));
  assertEquals(player.losses, ["refused"]);
});

Deno.test("sim: DHCP after the LAN was out of reach: the address is confirmed, or kept where nobody answers", () => {
  const lan = new Lan();
  const server = lan.addServer();
  const player = lan.addPlayer().start();
  lan.pass(1_000);
  server.isUp = false;
  player.act((nowMs) => player.client.handleReconnect(nowMs));
  lan.pass(MINUTE_MS);
  assertEquals([player.address, player.losses, player.client.state], [address(50), [], "bound"]);
  server.isUp = true;
  // Another LAN: its server knows nothing of the address and says so.
  lan.servers.splice(0, 1);
  lan.addServer({ number: 2, first: 100, last: 120, authoritative: true });
  player.act((nowMs) => player.client.handleReconnect(nowMs));
  lan.until("the other LAN's", () => player.address === address(100), 1_000);
  assertEquals(player.losses, ["refused"]);
});
