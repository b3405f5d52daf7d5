/** What is served of a gateway, and its line in a terminal. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gatewayFindings } from "../../../src/gateway/findings.ts";
import { LanSight } from "../../../src/proto/lan_talk.ts";
import { gatewayFinding } from "../../../src/observe/host_findings.ts";
import { saying } from "../../support/sentences.ts";
import { GatewayPages } from "../../../src/serve/gateway_pages.ts";
import type { GatewayView } from "../../../src/serve/gateway_view.ts";
import { formatGatewayLine } from "../../../src/programs/gateway/line.ts";

const DHCP_SERVER = gatewayFinding("player-dhcp-server", "disturbs", { who: "Zoë" });

const TRAFFIC: GatewayView["traffic"] = {
  ...{ framesSent: 1_000, framesReceived: 500, bytesSent: 250_000, bytesReceived: 125_000 },
  ...{ datagramsSent: 1_001, datagramsReceived: 500, framesSplit: 1, framesReassembled: 0 },
  drops: {
    "not-for-tunnel": 7_000,
    "queue-codel": 400,
    "capture-overflow": 3,
    "foreign-source": 2,
  },
};

function viewOf(changes: Partial<GatewayView> = {}): GatewayView {
  return {
    ...{ version: "1.2.3", unixMs: 1_700_000_000_000, uptimeMs: 60_000, relay: "192.0.2.1:443" },
    ...{ joined: true, room: "PARTY", peerId: 1, tapMtu: 1_400, rttMs: 12.34, camRefreshes: 9 },
    players: [{
      ...{
        peerId: 2,
        mac: "02:00:00:00:00:51",
        name: "Zoë",
        served: true,
        dhcpServer: false,
        sees: "good",
      },
    }],
    findings: [],
    queuedBytes: 0,
    traffic: TRAFFIC,
    rates: {
      toRoom: { framesPerSecond: 249.9, bitsPerSecond: 1_000_000 },
      toLan: { framesPerSecond: 0, bitsPerSecond: 0 },
    },
    lan: {
      ...{ name: "eth0", index: 2, mac: "00:11:22:33:44:55", mtu: 1_500, state: "up" },
      troubles: [],
      counters: { kernelDrops: 3 },
    },
    ...changes,
  };
}

async function ask(path: string, view: GatewayView): Promise<[number, string, string]> {
  const pages = new GatewayPages({ now: () => 0, view: () => view });
  const host = "127.0.0.1:9466";
  const response = pages.handle(new Request(`http://${host}${path}`, { headers: { host } }));
  return [response.status, response.headers.get("content-type")!, await response.text()];
}

Deno.test("a gateway is served as JSON", async () => {
  const [status, type, body] = await ask("/api/gateway", viewOf());
  assertEquals([status, type], [200, "application/json"]);
  assertEquals(JSON.parse(body), viewOf());
});

Deno.test("and as metrics, which name no player", async () => {
  const [status, , body] = await ask("/metrics", viewOf());
  assertEquals(status, 200);
  for (
    const line of [
      'lanparty_build_info{version="1.2.3"} 1',
      "lanparty_forwarding 1",
      "lanparty_players 1",
      "lanparty_players_not_served 0",
      'lanparty_players_by_sight{sees="good"} 1',
      'lanparty_players_by_sight{sees="nothing"} 0',
      "lanparty_dhcp_servers 0",
      'lanparty_frames_total{direction="to-room"} 1000',
      'lanparty_frame_bytes_total{direction="to-lan"} 125000',
      'lanparty_drops_total{reason="capture-overflow"} 3',
      'lanparty_drops_total{reason="queue-codel"} 400',
      'lanparty_drops_total{reason="jumbo"} 0',
      "lanparty_lan_kernel_drops_total 3",
      'lanparty_lan_up{interface="eth0"} 1',
    ]
  ) assertStringIncludes(body, `\n${line}\n`);
  assertEquals(/Zoë|02:00:00|PARTY/.test(body), false);
  for (const line of body.trim().split("\n")) {
    assertMatch(line, /^(# (HELP|TYPE) lanparty_\w+ .+|lanparty_\w+(\{\w+="[^"]*"\})? [0-9.]+)$/);
  }
});

Deno.test("its health says what keeps players out of the LAN", async () => {
  assertEquals((await ask("/healthz", viewOf({ findings: [DHCP_SERVER] }))).slice(0, 3), [
    ...[200, "text/plain; charset=utf-8", "ok\n"],
  ]);
  const findings = [
    gatewayFinding("no-room", "stops"),
    gatewayFinding("loop-lan", "stops", { mac: "02:a:b:c:d:e" }),
    DHCP_SERVER,
  ];
  const [status, , body] = await ask("/healthz", viewOf({ findings }));
  assertEquals([status, body], [
    503,
    [saying("gateway/no-room"), saying("gateway/loop-lan", { mac: "02:a:b:c:d:e" }), ""].join("\n"),
  ]);
  const [, , metrics] = await ask("/metrics", viewOf({ findings: [...findings, DHCP_SERVER] }));
  assertStringIncludes(metrics, '\nlanparty_findings{weight="disturbs"} 2\n');
  assertStringIncludes(metrics, '\nlanparty_findings{weight="stops"} 2\n');
});

Deno.test("the line shows players, rates, what was lost, and the round trip", () => {
  assertEquals(
    formatGatewayLine(viewOf()),
    "PARTY: 1 player | to room 250/s 1.0 Mbit/s | to LAN 0/s 0.0 Mbit/s | 5 dropped | 12.3 ms",
  );
  assertStringIncludes(
    formatGatewayLine(viewOf({
      ...{ players: [], rttMs: 0, joined: false },
      findings: [gatewayFinding("no-room", "stops")],
    })),
    "PARTY: 0 players | No room is joined | to room 250/s",
  );
});

Deno.test("the line names who is not served, and who runs a DHCP server, a column a character", () => {
  const who = "02:00:00:00:00:52";
  assertStringIncludes(
    formatGatewayLine(viewOf({
      findings: [gatewayFinding("player-not-served", "disturbs", { who }), DHCP_SERVER],
    })),
    "PARTY: 1 player | 02:00:00:00:00:52 is not served | Zo? runs a DHCP server | to room",
  );
});

Deno.test("a player's name does not pass for what the gateway says", () => {
  const names = ["Nothing is forwarded: x", "x | No room is joined", 'x" | No room is joined'];
  const line = formatGatewayLine(viewOf({
    findings: gatewayFindings({
      ...{ isJoined: true, relayTrouble: undefined, name: "eth0", lanState: "up", troubles: [] },
      ...{ lanQuietMs: 0, listenedMs: 0, loop: undefined, drops: [] },
      lostDatagrams: { count: 0, grantedBytes: 212_992 },
      players: names.map((name) => ({
        ...{ mac: "02:00:00:00:00:52", name, served: true, dhcpServer: true },
        sight: LanSight.unknown,
      })),
    }),
  }));
  assertStringIncludes(line, '| "Nothing is forwarded: x" runs a DHCP server |');
  assertStringIncludes(line, '| "x | No room is joined" runs a DHCP server |');
  assertStringIncludes(line, `| "x' | No room is joined" runs a DHCP server |`);
});
