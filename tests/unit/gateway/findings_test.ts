/** What the host should know is decided from what the gateway sees. */
import { assertEquals } from "@std/assert";
import { type GatewayFacts, gatewayFindings, LAN_QUIET_MS } from "../../../src/gateway/findings.ts";
import { dropFindings } from "../../../src/observe/drop_findings.ts";
import { sentenceLine } from "../../../src/observe/sentences.ts";
import { LanSight } from "../../../src/proto/lan_talk.ts";
import { saying } from "../../support/sentences.ts";

const ANN = {
  ...{ mac: "02:00:00:00:00:51", name: "Ann" },
  ...{ served: true, dhcpServer: false, sight: LanSight.good },
};
const GOOD: GatewayFacts = {
  isJoined: true,
  relayTrouble: undefined,
  name: "eth0",
  lanState: "up",
  troubles: [],
  lanQuietMs: 1_000,
  listenedMs: 3_600_000,
  loop: undefined,
  players: [ANN],
  lostDatagrams: { count: 0, grantedBytes: 212_992 },
  drops: [],
};
const MAC = "f2:02:03:04:05:06";

const TABLE: readonly [string, Partial<GatewayFacts>, ...string[]][] = [
  ["all is well", {}],
  ["no room", { isJoined: false }, `stops ${saying("gateway/no-room")}`],
  [
    "no relay",
    { isJoined: false, relayTrouble: { what: "Nothing comes back.", advice: "Ask." } },
    "stops Nothing comes back. Ask.",
  ],
  [
    "no link",
    { lanState: "no-carrier" },
    `stops ${saying("link/no-carrier", { name: "eth0" })}`,
  ],
  [
    "datagrams that nobody read in time",
    { lostDatagrams: { count: 100, grantedBytes: 212_992 } },
    `disturbs ${saying("buffer/small", { count: "100", size: "208 KiB", wanted: "8388608" })}`,
  ],
  ["no interface", { lanState: "gone" }, `stops ${saying("link/gone", { name: "eth0" })}`],
  [
    "a bridge that learns yet",
    { lanState: "blocked", name: "br0" },
    `stops ${saying("link/blocked", { name: "br0" })}`,
  ],
  [
    "an interface with a small MTU",
    { troubles: [{ kind: "small-mtu", mtu: 1400 }] },
    `disturbs ${saying("link/small-mtu", { name: "eth0", mtu: "1400" })}`,
  ],
  [
    "a bridge whose VLANs are apart",
    { troubles: [{ kind: "vlan", port: "gw0" }] },
    `stops ${saying("link/vlan", { name: "eth0", port: "gw0" })}`,
  ],
  [
    "a loop of the LAN's own",
    { loop: { cause: "lan", mac: MAC } },
    `stops ${saying("gateway/loop-lan", { mac: MAC })}`,
  ],
  [
    "a way round by the room",
    { loop: { cause: "room", mac: MAC } },
    `stops ${saying("gateway/loop-room", { mac: MAC })}`,
  ],
  [
    "a player's bridge",
    { loop: { cause: "bridged-player", mac: MAC } },
    `stops ${saying("gateway/loop-bridged-player", { mac: MAC })}`,
  ],
  [
    "another gateway",
    { loop: { cause: "gateway", mac: MAC } },
    `stops ${saying("gateway/loop-gateway", { mac: MAC })}`,
  ],
  ["a LAN that is quiet for a while", { lanQuietMs: LAN_QUIET_MS - 1 }],
  [
    "a LAN that is quiet for long",
    { lanQuietMs: LAN_QUIET_MS },
    `disturbs ${saying("gateway/lan-quiet", { name: "eth0", time: "3 minutes" })}`,
  ],
  ["a LAN that nobody asks", { lanQuietMs: LAN_QUIET_MS, players: [] }],
  ["a LAN not heard yet, just after the start", { lanQuietMs: Infinity, listenedMs: 60_000 }],
  [
    "a LAN that was never heard",
    { lanQuietMs: Infinity },
    `disturbs ${saying("gateway/lan-never-heard", { name: "eth0" })}`,
  ],
  [
    "a player whose MAC a station has, who sees nothing for it",
    { players: [{ ...ANN, served: false, sight: LanSight.nothing }] },
    `disturbs ${saying("gateway/player-not-served", { who: '"Ann"' })}`,
  ],
  [
    "a player's DHCP server",
    { players: [{ ...ANN, dhcpServer: true }] },
    `disturbs ${saying("gateway/player-dhcp-server", { who: '"Ann"' })}`,
  ],
  [
    "a player without an address",
    { players: [ANN, { ...ANN, name: undefined, sight: LanSight.noAddress }] },
    `disturbs ${saying("gateway/player-no-address", { who: ANN.mac })}`,
  ],
  [
    "a player who sees nothing",
    { players: [{ ...ANN, sight: LanSight.nothing }] },
    `disturbs ${saying("gateway/player-sees-nothing", { who: '"Ann"' })}`,
  ],
  [
    "what drops mean",
    { drops: dropFindings("gateway", { jumbo: 1 }, 0) },
    `disturbs ${saying("drops/gateway-jumbo", { frames: "1 frame" })}`,
  ],
];

for (const [name, facts, ...expected] of TABLE) {
  Deno.test(`a gateway's findings: ${name}`, () => {
    const found = gatewayFindings({ ...GOOD, ...facts });
    assertEquals(found.map((one) => `${one.weight} ${sentenceLine(one)}`), expected);
  });
}
