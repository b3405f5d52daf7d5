/** A relay's view for tests, with something of everything in it. */
import { TrafficCounters } from "../../../src/observe/counters.ts";
import { DropCode } from "../../../src/observe/drops.ts";
import type { PeerView, RelayView } from "../../../src/serve/relay_view.ts";

/** The time of the view, ms since 1970. */
export const VIEW_UNIX_MS = Date.UTC(2026, 10, 20, 12);

/** A peer; what is given replaces what it has. */
export function makePeerView(peer: Partial<PeerView> = {}): PeerView {
  return {
    peerId: 1,
    role: "client",
    mac: "02:00:00:00:00:51",
    name: "Ann",
    address: "192.0.2.7:4711",
    joinedUnixMs: VIEW_UNIX_MS - 60_000,
    rttMs: 12.5,
    maxDatagramBytes: 1_440,
    datagramBudget: 1_440,
    queuedBytes: 100,
    traffic: new TrafficCounters().snapshot(),
    ...peer,
  };
}

/** A relay with one room of two; what is given replaces what it has. */
export function makeView(view: Partial<RelayView> = {}): RelayView {
  const traffic = new TrafficCounters();
  traffic.framesReceived = 5;
  traffic.framesSent = 7;
  traffic.bytesReceived = 500;
  traffic.bytesSent = 700;
  traffic.dropMany(DropCode.dhcpServer, 3);
  return {
    version: "1.2.3",
    unixMs: VIEW_UNIX_MS,
    uptimeMs: 61_500,
    draining: false,
    connections: 3,
    bans: { operator: 2, host: 5 },
    certificate: { expiresUnixMs: VIEW_UNIX_MS + 90 * 86_400_000 },
    reservedMacs: 4,
    slots: { total: 100, free: 90 },
    traffic: traffic.snapshot(),
    dropsOfLate: [],
    lostDatagrams: { count: 0, grantedBytes: 4_194_304 },
    tallies: {
      handshakes: 4,
      handshakesRefused: 2,
      connectionsRefused: 1,
      joins: 3,
      redirects: 0,
      rejects: { "room-full": 6 },
      disconnects: { kicked: 1 },
      removals: { operator: 1, host: 3 },
    },
    loop: { turns: 10, lagBoundsSeconds: [0.001, 0.01], lagCounts: [6, 3, 1], lagSumSeconds: 0.5 },
    rooms: [{
      room: "PARTY",
      id: "PARTY.abcdefgh",
      locked: false,
      tapMtu: 1_400,
      openedUnixMs: VIEW_UNIX_MS - 61_000,
      gatewayPresent: true,
      peers: [makePeerView(), makePeerView({ peerId: 2, role: "gateway" })],
    }],
    ...view,
  };
}
