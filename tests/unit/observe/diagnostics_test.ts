import { assertEquals } from "@std/assert";
import { parseEndpointMessage } from "../../../src/control/messages.ts";
import {
  type ClientDiagnostics,
  describeClock,
  formatDiagnostics,
  reportDiagnostics,
} from "../../../src/observe/diagnostics.ts";

const JOINED: ClientDiagnostics = {
  verdict: { kind: "good", address: "192.168.1.77" },
  relay: "relay.example:443",
  relayReachable: true,
  routePinned: true,
  room: "PARTY",
  peerId: 3,
  gatewayPresent: true,
  datagramBudget: 1422,
  rttMs: 12.34,
  peers: 4,
  tap: {
    state: "up",
    name: "lanparty0",
    index: 7,
    mac: "02:00:00:00:00:51",
    mtu: 1400,
    addresses: ["192.168.1.77/24"],
  },
};

Deno.test("diagnostics are lines that a player can read to somebody", () => {
  assertEquals(formatDiagnostics(JOINED), [
    "LAN:       You are in the LAN as 192.168.1.77. Start your game.",
    "relay:     relay.example:443 (connected, round trip 12.3 ms)",
    "room:      PARTY (peer 3, 4 others)",
    "party:     the party's gateway is there",
    "adapter:   lanparty0 up, MAC 02:00:00:00:00:51, MTU 1400, index 7",
    "addresses: 192.168.1.77/24",
    "packets:   up to 1422 bytes through the tunnel",
    "route:     to the relay is pinned",
  ]);
});

Deno.test("loss and clock are said where they are known", () => {
  const lines = formatDiagnostics({ ...JOINED, lossRatio: 0.0123, clockSkewMs: 61_400 });
  assertEquals(
    lines[1],
    "relay:     relay.example:443 (connected, round trip 12.3 ms, 1.2 % lost)",
  );
  assertEquals(lines.at(-1), "clock:     61 s behind the relay's");
  assertEquals(describeClock(-90_000), { text: "90 s ahead of the relay's", isProblem: true });
  assertEquals(describeClock(300), { text: "as the relay's, to the second", isProblem: false });
});

Deno.test("diagnostics before the first connection say what is missing", () => {
  const early: ClientDiagnostics = {
    verdict: { kind: "outside" },
    relay: "relay.example:443",
    relayReachable: false,
    room: "PARTY",
    tap: { state: "absent", addresses: [] },
  };
  assertEquals(formatDiagnostics(early), [
    "LAN:       Not connected.",
    "relay:     relay.example:443 (not connected)",
    "room:      PARTY (not joined)",
    "party:     unknown",
    "adapter:   none",
    "addresses: none yet",
  ]);
});

Deno.test("why there is no connection is said where it is known", () => {
  const trouble: ClientDiagnostics = {
    verdict: { kind: "outside" },
    relay: "relay.example:443",
    relayReachable: false,
    relayTrouble: { what: "Nothing comes back from 192.0.2.7, UDP 443" },
    room: "PARTY",
    tap: { state: "absent", addresses: [] },
  };
  assertEquals(
    formatDiagnostics(trouble)[1],
    "relay:     relay.example:443 (not connected: Nothing comes back from 192.0.2.7, UDP 443)",
  );
});

Deno.test("what goes to the relay passes its checks, and names nothing else of this PC", () => {
  const diagnostics = reportDiagnostics(JOINED);
  assertEquals(diagnostics, {
    relayReachable: true,
    routePinned: true,
    datagramBudget: 1422,
    tap: { state: "up", mtu: 1400, addresses: ["192.168.1.77/24"] },
  });
  const result = parseEndpointMessage({ type: "stats", diagnostics });
  assertEquals<unknown>(
    result.ok && result.message.type === "stats" && result.message.diagnostics,
    diagnostics,
  );
});

Deno.test("a long list of addresses is cut before it is reported", () => {
  const addresses = Array.from({ length: 50 }, (_, i) => `10.0.0.${i}/8`);
  const { tap } = reportDiagnostics({ ...JOINED, tap: { state: "up", addresses } });
  assertEquals(tap.addresses, addresses.slice(0, 16));
});
