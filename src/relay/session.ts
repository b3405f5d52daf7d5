/**
 * One connection as the relay sees it, from the handshake until the transport is gone.
 *
 * @module
 */
import { MessageReader } from "../control/framing.ts";
import type { Hello } from "../control/messages.ts";
import { TrafficCounters } from "../observe/counters.ts";
import { type ConnectionId, NO_PEER, type PeerId } from "../proto/brands.ts";
import { MtuSettler } from "../proto/mtu.ts";
import type { Arrival } from "./directory.ts";
import { addressKey, CONTROL_WINDOW_MS, EventMeter, HELLO_DEADLINE_MS } from "./limits.ts";
import type { Membership } from "./membership.ts";
import { type Place, siteKey } from "./sites.ts";

/**
 * - `hello`: the hello is not here yet
 * - `settling`: its hello is a gateway's that would open a room, whose MTU must first be found
 * - `joined`: in a room
 * - `ending`: told of its end; has until `deadlineMs` to close the connection itself
 * - `closing`: the shell was told to close the connection
 */
export type SessionState = "hello" | "settling" | "joined" | "ending" | "closing";

/** The path of a connection whose handshake is done. */
export interface SessionPath {
  /** Address and port of the remote side; the port may be absent. */
  readonly address: string;
  readonly maxDatagramBytes: number;
  readonly arrival?: Arrival;
}

/** Where it does not matter. */
const SOME_ARRIVAL: Arrival = { listener: 0, host: "localhost" };

/** Mutable by the relay's own modules only; everything outside gets snapshots. */
export class Session {
  state: SessionState = "hello";
  /** What it is in its room: while it has joined, and only then. */
  membership: Membership | undefined;
  /** The peer id that it has, or had: for records. */
  peerId: PeerId = NO_PEER;
  /** The end of the current state, ms; `Infinity` for none. */
  deadlineMs: number;
  /** When the timer looks at it, ms, and its place among those that it looks at: see `Deadlines`. */
  timerMs = Infinity;
  timerIndex = -1;
  /** The application error code of the close that follows `ending`. */
  endErrorCode = 0;

  /** Address and port of the remote side. */
  address: string;
  /** What stands for its address among addresses: see `AddressLimits`. */
  addressKey: string;
  /** What stands for its site: see there. */
  siteKey: string;
  readonly arrival: Arrival;
  /** As what it counts there, and where. */
  countedAs: "pending" | "joined" | undefined;
  countedAt: Place;
  /** What was said of its moves. */
  readonly moves = { saidMs: -Infinity };

  /** The largest datagram that the connection carries now, bytes. */
  maxDatagramBytes: number;
  rttMs = 0;
  readonly settler: MtuSettler;

  /** Whether the endpoint's control stream is there to answer on. */
  streamOpen = false;
  readonly reader = new MessageReader();
  /** Control bytes given to the shell that the transport has not taken over yet. */
  controlUnsentBytes = 0;
  /** It does not read its control stream: nothing more is sent, and the timer closes it. */
  unread = false;
  readonly controlMeter: EventMeter;

  /** What it has asked for, once it has. */
  hello: Hello | undefined;

  readonly counters = new TrafficCounters();

  constructor(
    readonly connection: ConnectionId,
    { address, maxDatagramBytes, arrival = SOME_ARRIVAL }: SessionPath,
    readonly connectedMs: number,
    controlMessagesMax: number,
  ) {
    this.address = address;
    this.addressKey = addressKey(address);
    this.siteKey = siteKey(this.addressKey);
    this.countedAt = { addressKey: this.addressKey, siteKey: this.siteKey };
    this.arrival = arrival;
    this.controlMeter = new EventMeter(controlMessagesMax, CONTROL_WINDOW_MS);
    this.maxDatagramBytes = maxDatagramBytes;
    this.settler = new MtuSettler(connectedMs);
    this.settler.handleMaximum(maxDatagramBytes, connectedMs);
    //= PROTOCOL.md 5.1
    //# The hello must reach the relay within 10 s of the handshake.
    this.deadlineMs = connectedMs + HELLO_DEADLINE_MS;
  }

  /** Its other side is elsewhere now. */
  move(address: string): void {
    this.address = address;
    this.addressKey = addressKey(address);
    this.siteKey = siteKey(this.addressKey);
  }

  /** Whether its end was told: nothing that it sends counts any more. */
  get ended(): boolean {
    return this.state === "ending" || this.state === "closing";
  }

  /** When this session next needs `handleTimer`, ms. */
  nextDeadlineMs(): number {
    const { membership } = this;
    const statsDueMs = membership?.statsDueMs ?? Infinity;
    const mtuDueMs = membership?.isGateway ? membership.room.mtu.dueMs : Infinity;
    return Math.min(this.deadlineMs, statsDueMs, mtuDueMs, this.messageDeadlineMs());
  }

  /** When the control message that has begun to arrive must be complete. */
  messageDeadlineMs(): number {
    return this.state === "joined" || this.state === "settling" ? this.reader.deadlineMs : Infinity;
  }
}
