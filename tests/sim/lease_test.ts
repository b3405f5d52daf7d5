/**
 * A whole client core with an address of the LAN's: what goes into the tunnel and what reaches the TAP.
 *
 * ```
 *  TAP ──► ClientCore ── tunnel: 20 ms ──► gateway, peer 3: DHCP server 192.0.2.1, stations
 *      ◄──  LanLease  ◄── tunnel: 20 ms ──            peer 9: another player
 * ```
 */
import { assertEquals, assertGreater } from "@std/assert";
import { ClientCore } from "../../src/client/client_core.ts";
import { LanLease, type LeaseEvent } from "../../src/client/lan_lease.ts";
import { LanNetworks } from "../../src/client/lan_networks.ts";
import { FramePath } from "../../src/endpoint/frame_path.ts";
import { TrafficCounters } from "../../src/observe/counters.ts";
import { FrameLog } from "../../src/observe/frame_log.ts";
import { lanVerdictLine } from "../../src/observe/lan_verdict.ts";
import { asPeerId } from "../../src/proto/brands.ts";
import { BufferPool, HEADROOM_BYTES } from "../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../src/queue/queue_arena.ts";
import { checksumOf, udpChecksum } from "../unit/client/dhcp_frames.ts";
import { WELCOME } from "../unit/endpoint/harness.ts";
import { saying } from "../support/sentences.ts";
import { address, type Answer, readQuestion, SimDhcpServer } from "./dhcp_server.ts";
import { SeededRandom } from "./random.ts";
import { Alarm, Timeline } from "./timeline.ts";

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x51);
const OTHER_MAC = "020000000099";
const DELAY_MS = 20;
const HOUR_MS = 3_600_000;
const [GATEWAY, PLAYER] = [3, 9];
const RELAY = { host: "relay.example.org", port: 443, serverName: "relay.example.org" };
/** The simulated LAN is of no block for private use. */
const SIMULATED = { address: Uint8Array.of(192, 0, 2, 0), prefixBits: 24 };

/** What is to be seen of a frame: DHCP's message type, or what ARP is about. */
function kindOf(frame: Uint8Array): string {
  if (frame[12] === 8 && frame[13] === 6) {
    const isProbe = frame.slice(28, 32).every((byte) => byte === 0);
    return isProbe ? "probe" : "announcement";
  }
  if (frame[12] !== 8) return "other";
  return ["", "discover", "", "request", "decline", "", "", "release"][readQuestion(frame).type];
}

/** The frame that brings an answer of the server's. */
function frameOf({ message, serverMac }: Answer): Uint8Array {
  const packet = new Uint8Array(28 + message.length);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0]);
  view.setUint16(2, packet.length);
  packet.set([64, 17], 8);
  packet.set([192, 0, 2, 1, 255, 255, 255, 255], 12);
  view.setUint16(10, checksumOf(packet.subarray(0, 20)));
  view.setUint16(20, 67);
  view.setUint16(22, 68);
  view.setUint16(24, 8 + message.length);
  packet.set(message, 28);
  view.setUint16(26, udpChecksum(packet));
  return Uint8Array.of(...new Array(6).fill(0xff), ...serverMac, 8, 0, ...packet);
}

/** Somebody answers a probe: the address has this MAC. */
function arpAnswer(last: number, mac = OTHER_MAC): Uint8Array {
  return Uint8Array.fromHex(
    MAC.toHex() + mac + "0806" + "0001080006040002" + mac + "c00002" + hex(last) + MAC.toHex() +
      "00000000",
  );
}

const hex = (byte: number) => byte.toString(16).padStart(2, "0");

class Home {
  readonly timeline = new Timeline();
  readonly server = new SimDhcpServer({ number: 1, first: 50, last: 60, leaseSeconds: 3_600 });
  readonly sent: { readonly kind: string; readonly atMs: number }[] = [];
  /** What went into the tunnel. */
  readonly frames: Uint8Array[] = [];
  readonly written: Uint8Array[] = [];
  readonly events: LeaseEvent[] = [];
  readonly counters = new TrafficCounters();
  isServerSilent = false;
  readonly core: ClientCore;
  readonly #pool = new BufferPool(64);
  readonly #path: FramePath;
  readonly #lease: LanLease;
  readonly #alarm = new Alarm(this.timeline, () => this.act(() => {}));

  constructor(networks = new LanNetworks([SIMULATED]), endsMs?: number) {
    const random = new SeededRandom(7);
    const common = { mac: MAC, random: (count: number) => random.bytes(count) };
    this.#lease = new LanLease({
      ...common,
      hostName: "pc",
      allowLanDefaultRoute: false,
      remembered: endsMs === undefined ? undefined : { address: address(57), endsMs },
    });
    const [pool, counters] = [this.#pool, this.counters];
    this.#path = new FramePath({ pool, counters, arena: new QueueArena(64) });
    this.core = new ClientCore({
      ...common,
      ...{ pool, counters, networks, path: this.#path, frameLog: new FrameLog() },
      tap: { send: (bytes, at, length) => this.written.push(bytes.slice(at, at + length)) > 0 },
      allowLanDefaultRoute: false,
      lease: this.#lease,
    });
  }

  get nowMs(): number {
    return this.timeline.nowMs;
  }

  get kinds(): string[] {
    return this.sent.map(({ kind }) => kind);
  }

  get told(): string[] {
    return this.events.map((event) => event.type === "lost" ? `lost: ${event.why}` : event.type);
  }

  /** The address, by what the shell was told. */
  get address(): number | undefined {
    const last = this.events.findLast(({ type }) => ["lease", "extended", "lost"].includes(type));
    return last !== undefined && "lease" in last ? last.lease.address : undefined;
  }

  join(): this {
    this.#path.open(1439);
    this.act((nowMs) => {
      this.core.handleAction({ type: "joined", welcome: WELCOME, relay: RELAY }, nowMs);
      const peer = { peerId: asPeerId(GATEWAY), role: "gateway" } as const;
      this.core.handleAction({ type: "peerJoined", peer, known: false }, nowMs);
    });
    return this;
  }

  leave(): void {
    this.#path.close();
    this.act((nowMs) => {
      this.core.handleAction({ type: "left", reason: "lost", final: false }, nowMs);
    });
  }

  /** Does something, and carries what the core sends then. */
  act(work: (nowMs: number) => void): void {
    this.core.handleTimer(this.nowMs);
    work(this.nowMs);
    this.events.push(...this.#lease.drainEvents());
    while (this.#path.queue.dequeue(this.nowMs)) {
      const { slot, offset, length } = this.#path.queue;
      const frame = this.#pool.bytes.slice(offset + 4, offset + length);
      this.#pool.release(slot);
      this.sent.push({ kind: kindOf(frame), atMs: this.nowMs });
      this.frames.push(frame);
      if (frame[12] === 8 && frame[13] === 0) {
        this.timeline.after(DELAY_MS, () => this.#serve(frame));
      }
    }
    this.#alarm.set(this.core.nextDeadlineMs());
  }

  /** A frame comes out of the tunnel. */
  receive(frame: Uint8Array, peerId = GATEWAY): this {
    const datagram = Uint8Array.of(1, 0, 0, peerId, ...frame);
    this.act((nowMs) => this.core.handleDatagram(datagram, 0, datagram.length, nowMs));
    return this;
  }

  /** The player's system sends a frame. */
  send(frame: Uint8Array): void {
    const slot = this.#pool.acquire();
    const offset = this.#pool.offsetOf(slot) + HEADROOM_BYTES;
    this.#pool.bytes.set(frame, offset);
    this.act((nowMs) => this.core.handleTapFrame(slot, offset, frame.length, nowMs));
  }

  pass(durationMs: number): void {
    this.timeline.runUntil(this.nowMs + durationMs);
  }

  #serve(frame: Uint8Array): void {
    const answer = this.isServerSilent ? undefined : this.server.hear(frame, this.nowMs);
    if (answer !== undefined) {
      this.timeline.after(DELAY_MS, () => this.receive(frameOf(answer)));
    }
  }
}

Deno.test("sim: an address is there two round trips after the room, and the system is told nothing", () => {
  const home = new Home();
  const startMs = home.nowMs;
  home.join();
  assertEquals(home.sent, [{ kind: "discover", atMs: startMs }]);
  home.pass(4 * DELAY_MS);
  assertEquals(home.address, address(50));
  // The request leaves with the offer, the first probe with the confirmation.
  assertEquals(home.sent.slice(1), [
    { kind: "request", atMs: startMs + 2 * DELAY_MS },
    { kind: "probe", atMs: startMs + 4 * DELAY_MS },
  ]);
  home.pass(10_000);
  assertEquals(home.kinds.slice(3), ["probe", "probe", "announcement", "announcement"]);
  assertEquals(home.written, []);
  assertEquals(home.counters.snapshot().drops, {});
});

Deno.test("sim: a lease that no server confirms when the gateway is back is said to be an old one", () => {
  const home = new Home().join();
  const isBack = () =>
    home.act((nowMs) => {
      const event = { type: "gateway", present: true } as const;
      home.core.handleAction({ type: "status", event }, nowMs);
      home.core.handleAddresses(["192.0.2.50/24"], nowMs);
    });
  const verdict = () => lanVerdictLine(home.core.lanVerdict(home.nowMs));
  isBack();
  home.pass(4 * DELAY_MS);
  home.receive(arpAnswer(1));
  assertEquals(verdict(), saying("lan/good", { address: "192.0.2.50" }));
  home.leave();
  home.isServerSilent = true;
  home.pass(5_000);
  home.join();
  isBack();
  home.receive(arpAnswer(1));
  assertEquals(verdict(), saying("lan/good", { address: "192.0.2.50" }));
  home.pass(20_000);
  home.receive(arpAnswer(1));
  const values = { address: "192.0.2.50", time: "20 seconds" };
  assertEquals(verdict(), saying("lan/old-address", values));
  home.isServerSilent = false;
  home.pass(HOUR_MS / 2);
  home.receive(arpAnswer(1));
  assertEquals(verdict(), saying("lan/good", { address: "192.0.2.50" }));
});

/** A question of another DHCP client's of this PC, as far as a core looks at it. */
function foreignQuestion(tag: string): Uint8Array {
  const ip = "4500001c000000004011000000000000ffffffff";
  return Uint8Array.fromHex(
    `ffffffffffff${MAC.toHex()}${tag}0800${ip}0044004300080000${"00".repeat(20)}`,
  );
}

Deno.test("sim: what else asks for an address on the adapter is kept in, but for VLANs", () => {
  const home = new Home().join();
  home.pass(60_000);
  const sent = home.sent.length;
  home.send(foreignQuestion(""));
  assertEquals(home.sent.length, sent);
  assertEquals(home.counters.snapshot().drops, { "dhcp-off": 1 });
  home.send(foreignQuestion("8100000a"));
  assertEquals(home.kinds.slice(sent), ["other"]);
});

Deno.test("sim: no DHCP reply reaches the adapter, whatever it is and whoever it is for", () => {
  const home = new Home().join();
  home.pass(60_000);
  const question = readQuestion(home.frames[0]);
  const [other, stranger] = [{ ...question, mac: OTHER_MAC }, { ...question, xid: 7 }];
  const replies = [other, stranger, question].flatMap((asked) =>
    [2, 5, 6, 13].map((type) => frameOf(home.server.answer(asked, type, address(99))))
  );
  // For a station of another kind, with this PC's address in the place of its own.
  for (const [at, value] of [[43, 6], [44, 16]]) {
    const frame = frameOf(home.server.answer(question, 5, address(99)));
    frame[at] = value;
    replies.push(frame);
  }
  // One that another player sends.
  for (const frame of replies) home.receive(frame).receive(frame, PLAYER);
  assertEquals(home.written, []);
  assertEquals([home.address, home.told], [address(50), ["asking", "lease"]]);
  assertEquals(home.counters.snapshot().drops["not-for-us"], 4);
});

Deno.test("sim: a LAN that this PC must not be in gives no address", () => {
  const home = new Home(new LanNetworks()).join();
  home.pass(10_000);
  assertEquals(home.told, ["asking"]);
  assertGreater(home.counters.snapshot().drops["dhcp-network"] ?? 0, 0);
});

Deno.test("sim: an address that a station of the LAN uses is declined, and another one asked for", () => {
  const home = new Home().join();
  home.pass(4 * DELAY_MS + 1);
  home.receive(arpAnswer(50));
  assertEquals(home.told, ["asking", "lease", "conflict", "lost: conflict"]);
  const conflict = home.events.find((event) => event.type === "conflict");
  assertEquals(conflict?.mac.toHex(), OTHER_MAC);
  assertEquals(home.kinds.at(-1), "decline");
  home.pass(12_000);
  assertEquals([...home.server.declined], [address(50)]);
  assertEquals(home.address, address(51));
});

Deno.test("sim: a player who says that he has the address is not believed", () => {
  const home = new Home().join();
  home.pass(4 * DELAY_MS + 1);
  for (let count = 0; count < 5; count++) {
    home.receive(arpAnswer(50), PLAYER);
    home.pass(100);
  }
  assertEquals(home.address, address(50));
  assertEquals(home.told, ["asking", "lease"]);
});

Deno.test("sim: an address that is claimed later is defended once, and given up the second time", () => {
  const home = new Home().join();
  home.pass(60_000);
  const before = home.sent.length;
  home.receive(arpAnswer(50));
  assertEquals(home.kinds.slice(before), ["announcement"]);
  home.pass(1_000);
  home.receive(arpAnswer(50));
  assertEquals(home.told.slice(2), ["conflict", "lost: conflict"]);
});

Deno.test("sim: a remembered address is confirmed in one round trip; one that is over is wished for", () => {
  const fresh = new Home(undefined, 2_000_000);
  fresh.server.entries.set(MAC.toHex(), { address: address(57), untilMs: 2_000_000 });
  fresh.join().pass(2 * DELAY_MS);
  assertEquals([fresh.address, fresh.kinds[0]], [address(57), "request"]);
  const over = new Home(undefined, 0).join();
  over.pass(4 * DELAY_MS);
  assertEquals([over.address, over.kinds[0]], [address(57), "discover"]);
});

Deno.test("sim: a room that is entered again has the address confirmed; a gateway that comes is asked at once", () => {
  const home = new Home();
  home.server.isUp = false;
  home.join().pass(60_000);
  home.server.isUp = true;
  const before = home.sent.length;
  const comes = { type: "status", event: { type: "gateway", present: true } } as const;
  home.act((nowMs) => home.core.handleAction(comes, nowMs));
  home.pass(4 * DELAY_MS);
  assertEquals(home.kinds.slice(before, before + 2), ["discover", "request"]);
  home.pass(10_000);
  home.leave();
  home.pass(10_000);
  const again = home.sent.length;
  home.join().pass(4 * DELAY_MS);
  assertEquals(home.kinds.slice(again), ["request"]);
  assertEquals(home.told, ["asking", "lease", "extended"]);
});

Deno.test("sim: outside of the room nothing is sent, and the address goes with its lease", () => {
  const home = new Home().join();
  home.pass(10_000);
  home.leave();
  const before = home.sent.length;
  home.pass(2 * HOUR_MS);
  assertEquals(home.sent.length, before);
  assertEquals(home.told, ["asking", "lease", "lost: over"]);
  assertEquals(home.counters.snapshot().drops, {});
});

Deno.test("sim: a PC that has slept longer than its lease uses it no more; a shorter sleep has it extended", () => {
  const home = new Home().join();
  home.pass(10_000);
  home.act((nowMs) => home.core.handleSlept(0.6 * HOUR_MS, nowMs));
  assertEquals(home.kinds.at(-1), "request");
  home.pass(100);
  assertEquals(home.told, ["asking", "lease", "extended"]);
  home.act((nowMs) => home.core.handleSlept(2 * HOUR_MS, nowMs));
  assertEquals(home.told.slice(3), ["lost: over"]);
  home.pass(4 * DELAY_MS);
  assertEquals(home.address, address(50));
});

Deno.test("sim: an address that is given back is free, and nothing more is said for it", () => {
  const home = new Home().join();
  home.pass(10_000);
  home.act((nowMs) => home.core.releaseLease(nowMs));
  assertEquals(home.kinds.at(-1), "release");
  const before = home.sent.length;
  home.pass(HOUR_MS);
  assertEquals(home.sent.length, before);
  assertEquals(home.server.entries.size, 0);
  assertEquals(home.told, ["asking", "lease", "lost: released"]);
});
