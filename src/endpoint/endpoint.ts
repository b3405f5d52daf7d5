/**
 * A whole endpoint, without its sockets: the session with the relay, the way of the frames, and the core that
 * judges them. The programs drive it over QUIC, the simulation over a network of its own.
 *
 * ```
 *              events of the connection, time                    actions
 *  shell ───────────────────────────────────────► Endpoint ───────────────► shell
 *                                   EndpointSession │ FramePath │ FrameCore
 *  frames of TAP or LAN ──► FrameCore ──► FramePath.queue ──► datagrams, as fast as the connection takes them
 * ```
 *
 * Only here the frame path is opened and closed.
 *
 * @module
 */
import type { ClosedReason, EndpointAction, RelayTarget } from "./actions.ts";
import type { FramePath } from "./frame_path.ts";
import type { OwnTraffic } from "./own_traffic.ts";
import type { EndpointSession } from "./session.ts";

/** How often half-received frames are looked at, ms. */
const UPKEEP_INTERVAL_MS = 50;

/** What a client's and a gateway's core are to their endpoint. */
export interface FrameCore {
  /** Told of the live connection, so that its packets never enter the tunnel. */
  readonly ownTraffic: OwnTraffic;
  /** Follows the session; called with each of its actions, before the shell is. */
  handleAction(action: EndpointAction, nowMs: number): void;
  /** Takes a datagram of the relay; its frames are on their way before this returns. */
  handleDatagram(bytes: Uint8Array, offset: number, length: number, nowMs: number): void;
  /** To be called at {@linkcode nextDeadlineMs} at the latest; for cores that do something by themselves. */
  handleTimer?(nowMs: number): void;
  nextDeadlineMs?(): number;
}

/** See the module. */
export class Endpoint {
  #upkeepDueMs = 0;
  #isConnected = false;

  constructor(
    readonly session: EndpointSession,
    readonly path: FramePath,
    readonly core: FrameCore,
  ) {}

  /** Begins. */
  start(nowMs: number): void {
    this.session.start(nowMs);
  }

  /** Leaves the room, tells the relay, and ends. */
  leave(nowMs: number): void {
    this.session.leave(nowMs);
  }

  /** A connection to this address and UDP port is about to be opened; there may be others. */
  handleConnecting(address: string, port: number): void {
    this.core.ownTraffic.tryRelay(address, port);
  }

  /** Of those that were tried the one to this address and port is used, which is sent from `localPort`. */
  handleChosen(address: string, port: number, localPort: number | undefined): void {
    this.core.ownTraffic.setRelay(address, port);
    if (localPort !== undefined) this.core.ownTraffic.setLocalPort(localPort);
  }

  /** Those that were tried beside the one in use are gone. */
  handleOthersGone(): void {
    this.core.ownTraffic.dropTried();
  }

  /**
   * The connection's handshake is done.
   *
   * @param relayKey fingerprint of the relay's key, where one is known
   * @param target the one that has answered; absent: the first
   */
  handleConnected(
    maxDatagramBytes: number,
    nowMs: number,
    relayKey?: string,
    target?: RelayTarget,
  ): void {
    this.#isConnected = true;
    this.session.handleConnected(maxDatagramBytes, nowMs, relayKey, target);
  }

  /** The largest datagram that the connection carries has changed. */
  handleMaxDatagram(bytes: number, nowMs: number): void {
    this.session.handleMaxDatagram(bytes, nowMs);
    this.path.setMaximum(this.session.datagramBytesMax);
  }

  /** The connection's smoothed round trip time. */
  handleRtt(rttMs: number): void {
    this.session.handleRtt(rttMs);
  }

  /** Bytes of the control stream. */
  handleControl(bytes: Uint8Array, nowMs: number): void {
    this.session.handleControl(bytes, nowMs);
  }

  /** The relay has finished its side of the control stream. */
  handleControlFinished(nowMs: number): void {
    this.session.handleControlFinished(nowMs);
  }

  /** A datagram of the relay; its frames are on their way before this returns. */
  handleDatagram(bytes: Uint8Array, offset: number, length: number, nowMs: number): void {
    this.core.handleDatagram(bytes, offset, length, nowMs);
  }

  /** The connection is gone, or was never made. */
  handleClosed(reason: ClosedReason, nowMs: number): void {
    this.#isConnected = false;
    this.core.ownTraffic.clear();
    this.path.close();
    this.session.handleClosed(reason, nowMs);
  }

  /** To be called in each turn: does what is due. */
  handleTimer(nowMs: number): void {
    if (nowMs >= this.session.nextDeadlineMs()) this.session.handleTimer(nowMs);
    if (nowMs >= this.#upkeepDueMs) {
      this.#upkeepDueMs = nowMs + UPKEEP_INTERVAL_MS;
      this.path.handleTimer(nowMs);
    }
    this.core.handleTimer?.(nowMs);
  }

  /** When {@linkcode handleTimer} is to be called at the latest, ms. */
  nextDeadlineMs(): number {
    const deadlineMs = Math.min(
      this.session.nextDeadlineMs(),
      this.core.nextDeadlineMs?.() ?? Infinity,
    );
    return this.#isConnected ? Math.min(deadlineMs, this.#upkeepDueMs) : deadlineMs;
  }

  /** Hands the shell what it is to do, one after the other: frame path and core have followed each. */
  drainActions(
    nowMs: number,
    carryOut: (action: EndpointAction, nowMs: number) => void,
  ): void {
    for (const action of this.session.drainActions()) {
      this.#follow(action);
      this.core.handleAction(action, nowMs);
      carryOut(action, nowMs);
    }
  }

  #follow(action: EndpointAction): void {
    switch (action.type) {
      case "joined":
        return this.path.open(this.session.datagramBytesMax);
      case "left":
      case "ended":
        return this.path.close();
      case "peerLeft":
        return this.path.dropSource(action.peer.peerId);
    }
  }
}
