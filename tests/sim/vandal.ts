/**
 * A program that speaks the protocol well enough to get in, and then does whatever the relay must bear:
 * other MACs, forbidden frames whole and in pieces, garbage in datagrams and on the control stream.
 */
import type { ClosedReason } from "../../src/endpoint/actions.ts";
import type { Station } from "./ledger.ts";
import { Path, type Side, type SimConnection } from "./network.ts";
import type { World } from "./sim_endpoint.ts";
import { BROADCAST, forbiddenFromClient, ordinaryFrame, plainFrame } from "./traffic.ts";

/** One vandal, who comes back until told to stop. */
export class Vandal implements Side {
  #connection: SimConnection | undefined;
  #stopped = false;
  #frameId = 0;
  readonly #way = new Path();
  readonly #world: World;
  readonly #address: string;
  readonly #victims: readonly string[];

  constructor(
    world: World,
    readonly station: Station,
    address: string,
    victims: readonly string[],
  ) {
    this.#world = world;
    this.#address = address;
    this.#victims = victims;
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    this.#connection?.close("endpoint", 0);
  }

  connected(connection: SimConnection): void {
    this.#world.timeline.after(this.#world.random.integer(0, 300), () => {
      if (this.#connection !== connection) return;
      if (this.#world.random.chance(0.1)) this.#sendText(connection, this.#nonsense());
      else this.#sendText(connection, this.#hello());
      this.#mischief(connection);
    });
  }

  maxDatagram(): void {}
  control(): void {}
  controlFinished(): void {}
  controlSent(): void {}
  writable(): void {}

  /** Whole frames that reach it are checked like everybody's. */
  datagram(connection: SimConnection, bytes: Uint8Array): void {
    if (this.#connection !== connection || bytes[1] !== 0) return;
    this.#world.ledger.arrive(bytes.slice(4), this.station);
  }

  closed(connection: SimConnection, _reason: ClosedReason): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    if (this.#stopped) return;
    this.#world.timeline.after(this.#world.random.integer(500, 3_000), () => this.#open());
  }

  #open(): void {
    if (!this.#stopped) this.#connection = this.#world.connect(this.#address, this.#way, this);
  }

  #hello(): string {
    return JSON.stringify({
      type: "hello",
      protocol: 1,
      role: "client",
      room: this.station.room,
      mac: this.station.mac,
      datagramBudget: 1_450,
    });
  }

  #nonsense(): string {
    return this.#world.random.pick([
      "{",
      "[]",
      '{"type":"welcome"}',
      '{"type":"hello","protocol":99}',
      '{"type":"hello","protocol":1,"role":"client"}',
      '{"type":"disconnect","code":"kicked"}',
      '{"type":"hostRequest","request":1,"action":"kick","peerId":1}',
      '{"type":"hostRequest","request":2,"action":"ban","target":"198.51.100.1"}',
      JSON.stringify({ type: "stats", drops: { "x": "y" } }),
      this.#hello(),
    ]);
  }

  #sendText(connection: SimConnection, text: string): void {
    const json = new TextEncoder().encode(text);
    const bytes = new Uint8Array(4 + json.length);
    new DataView(bytes.buffer).setUint32(0, json.length);
    bytes.set(json, 4);
    connection.sendControl("endpoint", bytes);
  }

  #mischief(connection: SimConnection): void {
    if (this.#connection !== connection || !connection.isOpen("endpoint")) return;
    const { random, timeline } = this.#world;
    const deed = random.integer(0, 199);
    if (deed === 0) this.#sendText(connection, this.#nonsense());
    else if (deed === 1) connection.sendControl("endpoint", random.bytes(random.integer(1, 40)));
    else if (deed === 2) connection.close("endpoint", random.integer(0, 5));
    else if (deed === 3) connection.finishControl("endpoint");
    else for (let i = random.integer(1, 5); i > 0; i--) this.#sendBadly(connection);
    timeline.after(random.integer(5, 200), () => this.#mischief(connection));
  }

  #sendBadly(connection: SimConnection): void {
    const { random } = this.#world;
    const mac = this.station.mac!;
    switch (random.integer(0, 9)) {
      case 0: {
        const victim = random.pick(this.#victims);
        return this.#sendWhole(connection, plainFrame(BROADCAST, victim, 200), "another's MAC");
      }
      case 1: {
        const draft = forbiddenFromClient(random, mac);
        return this.#sendWhole(connection, draft.bytes, draft.forbidden);
      }
      case 2: {
        const draft = forbiddenFromClient(random, mac);
        return this.#sendPieces(connection, draft.bytes, 600, draft.forbidden);
      }
      case 3:
        // A first piece that ends before filters can see anything.
        return this.#sendPieces(
          connection,
          plainFrame(BROADCAST, mac, 1_000),
          random.integer(1, 599),
          "a tiny first piece",
        );
      case 4:
        return this.#sendWhole(connection, plainFrame(mac, mac, 100), "for the sender itself");
      case 5:
        return connection.sendDatagram("endpoint", random.bytes(random.integer(0, 30)));
      case 6: {
        // More is always promised, so nothing whole can come of it.
        const bytes = plainFrame(BROADCAST, mac, 1_400);
        const from = random.pick([0, 600, 700, 900]);
        const frameId = random.integer(0, 0xffff);
        return connection.sendDatagram("endpoint", piece(bytes, from, 1_300, true, frameId));
      }
      case 7:
        return this.#sendPieces(
          connection,
          plainFrame(BROADCAST, mac, random.integer(1_523, 1_800)),
          900,
          "an over-long frame",
        );
      default: {
        const destination = random.pick([BROADCAST, ...this.#victims]);
        const { bytes } = ordinaryFrame(random, destination, mac);
        if (bytes.length <= 1_446) this.#sendWhole(connection, bytes, undefined);
        else this.#sendPieces(connection, bytes, 800, undefined);
      }
    }
  }

  #sendWhole(connection: SimConnection, bytes: Uint8Array, forbidden?: string): void {
    this.#enter(bytes, forbidden);
    connection.sendDatagram("endpoint", Uint8Array.from([1, 0, 0x12, 0x34, ...bytes]));
  }

  #sendPieces(
    connection: SimConnection,
    bytes: Uint8Array,
    cut: number,
    forbidden?: string,
  ): void {
    if (bytes.length <= cut) return this.#sendWhole(connection, bytes, forbidden);
    this.#enter(bytes, forbidden);
    this.#frameId = (this.#frameId + 1) & 0x7fff;
    connection.sendDatagram("endpoint", piece(bytes, 0, cut, true, this.#frameId));
    connection.sendDatagram("endpoint", piece(bytes, cut, bytes.length, false, this.#frameId));
  }

  #enter(bytes: Uint8Array, forbidden: string | undefined): void {
    this.#world.ledger.enter(bytes, this.station, this.#world.timeline.nowMs, forbidden);
  }
}

function piece(
  bytes: Uint8Array,
  from: number,
  to: number,
  more: boolean,
  frameId: number,
): Uint8Array {
  const place = from | (more ? 0x8000 : 0);
  return Uint8Array.from([
    ...[1, 1, 0, 0, frameId >> 8, frameId & 0xff, place >> 8, place & 0xff],
    ...(from === 0 ? [] : bytes.subarray(0, 14)),
    ...bytes.subarray(from, to),
  ]);
}
