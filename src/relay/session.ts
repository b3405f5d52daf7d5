/** One connection as the relay sees it, from the handshake until the transport is gone. */
import { MessageReader } from "../control/framing.ts";
import type { Hello, Stats } from "../control/messages.ts";
import { TrafficCounters } from "../observe/counters.ts";
import { type ConnectionId, NO_PEER, type PeerId } from "../proto/brands.ts";
import { RELAY_FRAME_ID_MIN } from "../proto/datagram.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { MtuSettler } from "../proto/mtu.ts";
import type { Arrival } from "./directory.ts";
import {
  addressKey,
  CONTROL_WINDOW_MS,
  EventMeter,
  HELLO_DEADLINE_MS,
  MALFORMED_MAX,
  MALFORMED_WINDOW_MS,
} from "./limits.ts";
import type { OutboundQueue } from "./outbound.ts";
import type { PeerBuckets } from "./peer_limits.ts";
import type { Room } from "./room.ts";
import type { Share } from "./shares.ts";
import { siteKey } from "./sites.ts";

/**
 * - `hello`: the hello is not here yet
 * - `settling`: its hello would open a room, whose MTU must first be found
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
  /** Whether frames are forwarded for it: `state === "joined"`, as a boolean for the hot path. */
  joined = false;
  /** The end of the current state, ms; `Infinity` for none. */
  deadlineMs: number;
  /** When the timer looks at it, ms, and its place among those that it looks at: see `Deadlines`. */
  timerMs = Infinity;
  timerIndex = -1;
  /** The application error code of the close that follows `ending`. */
  endErrorCode = 0;

  /** Address and port of the remote side. */
  readonly address: string;
  /** What stands for its address among addresses: see `AddressLimits`. */
  readonly addressKey: string;
  /** What stands for its site: see there. */
  readonly siteKey: string;
  readonly arrival: Arrival;
  /** As what it counts there. */
  countedAs: "pending" | "joined" | undefined;

  /** The largest datagram that the connection carries now, bytes. */
  maxDatagramBytes: number;
  /** The largest that it is sent, bytes: what the connection carries, and no more than its hello asks for. */
  sendBytesMax: number;
  rttMs = 0;
  readonly settler: MtuSettler;

  /** Whether the endpoint's control stream is there to answer on. */
  streamOpen = false;
  readonly reader = new MessageReader();
  /** Control bytes given to the shell that the transport has not taken over yet. */
  controlUnsentBytes = 0;
  /** Its DHCP server was told of. */
  dhcpServerTold = false;
  /** It does not read its control stream: nothing more is sent, and the timer closes it. */
  unread = false;
  readonly controlMeter: EventMeter;
  readonly malformedMeter = new EventMeter(MALFORMED_MAX, MALFORMED_WINDOW_MS);

  hello: Hello | undefined;
  /** The room it is in, only while joined. */
  room: Room | undefined;
  peerId: PeerId = NO_PEER;
  isGateway = false;
  /** A client's MAC; zeros for a gateway. */
  readonly mac: Uint8Array = new Uint8Array(MAC_BYTES);
  /** The token that lets a later hello replace this session. */
  resumeToken = "";
  /** The token by which it has shown that it was here before, if it has. */
  priorToken: string | undefined;
  /** Control bytes up to the end of its welcome that are not acknowledged yet. */
  welcomeUnsentBytes = Infinity;
  joinedMs = 0;
  /** What it may still send; made when it joins. */
  buckets: PeerBuckets | undefined;
  /** What may be delivered for all peers of its address, or site; while it has joined. */
  addressShare: Share | undefined;
  /** Frames that wait for this peer; made when it joins. */
  queue: OutboundQueue | undefined;
  /** The next session with something queued: see `ReadyList`. */
  nextReady: Session | undefined;
  ready = false;
  /** The frame id of the last of its frames that the relay had to split. */
  frameId = RELAY_FRAME_ID_MIN;

  readonly counters = new TrafficCounters();
  statsDueMs = Infinity;
  lastStats: Stats | undefined;

  constructor(
    readonly connection: ConnectionId,
    { address, maxDatagramBytes, arrival = SOME_ARRIVAL }: SessionPath,
    readonly connectedMs: number,
    controlMessagesMax: number,
  ) {
    this.address = address;
    this.addressKey = addressKey(address);
    this.siteKey = siteKey(this.addressKey);
    this.arrival = arrival;
    this.controlMeter = new EventMeter(controlMessagesMax, CONTROL_WINDOW_MS);
    this.maxDatagramBytes = maxDatagramBytes;
    this.sendBytesMax = maxDatagramBytes;
    this.settler = new MtuSettler(connectedMs);
    this.settler.handleMaximum(maxDatagramBytes, connectedMs);
    this.deadlineMs = connectedMs + HELLO_DEADLINE_MS;
  }

  /** To be called when its connection's maximum has changed, or its hello is accepted. */
  limitDatagrams(): void {
    this.sendBytesMax = Math.min(this.maxDatagramBytes, this.hello?.datagramBudget ?? Infinity);
  }

  /** Whether its end was told: nothing that it sends counts any more. */
  get ended(): boolean {
    return this.state === "ending" || this.state === "closing";
  }

  /** When this session next needs `handleTimer`, ms. */
  nextDeadlineMs(): number {
    return Math.min(this.deadlineMs, this.statsDueMs, this.messageDeadlineMs());
  }

  /** When the control message that has begun to arrive must be complete. */
  messageDeadlineMs(): number {
    return this.state === "joined" || this.state === "settling" ? this.reader.deadlineMs : Infinity;
  }
}
