/**
 * A gateway's interface while others change it, and a bridge whose machine drops what crosses it.
 *
 * ```text
 *   lan              gateway                              relay             alice
 *  ┌────────┐       ┌───────────────────────────────┐    ┌─────────┐       ┌───────────┐
 *  │  eth0 ─┼───────┼ lan0 [─ br0 ─ lanparty-gw0]   │    │         │       │ lanparty0 │
 *  │ .77.1  │       │                           wan0┼────┼ gw0  pl0┼───────┼ wan0 .77.50
 *  └────────┘       └───────────────────────────────┘    └─────────┘       └───────────┘
 * ```
 */
import { assertEquals, assertMatch } from "@std/assert";
import type { LabProcess } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { fetchFrom } from "../../support/fetch_from.ts";
import { partyTest } from "../../support/play.ts";
import { sayingPattern } from "../../support/sentences.ts";

const ALICE = "10.77.0.50";
const BRIDGE = "br0";
const CARD = PARTY.gatewayInterface;
const STATUS = "http://127.0.0.1:9466";
/** A trial is repeated each 10 s, and once more before something is believed to be dropped. */
const TRIED_MS = 40_000;

interface Programs {
  readonly gateway: LabProcess;
  readonly client: LabProcess;
}

async function startParty(party: Party, ...options: string[]): Promise<Programs> {
  await party.startRelay();
  const gateway = await party.startGateway("--status", "9466", ...options);
  const player = await party.addPlayer("alice");
  return { gateway, client: await party.startClient(player, "--address", `${ALICE}/24`) };
}

async function healthOf(party: Party): Promise<string> {
  return (await fetchFrom(party.gateway, `${STATUS}/healthz`)).trim();
}

/** A moment's answer is given for a while. */
async function assertHealthy(party: Party, timeoutMs?: number): Promise<void> {
  await eventually("its health is good", async () => await healthOf(party) === "ok", timeoutMs);
}

async function assertReached(party: Party): Promise<void> {
  await eventually("the LAN reaches the player", async () => {
    const ping = ["ping", "-c", "1", "-W", "1", ALICE];
    return (await party.lan.run(ping, { anyCode: true })).code === 0;
  });
}

partyTest(
  "the LAN's interface is off, renamed, too small, a bridge's port, pulled out",
  async (party, step) => {
    const { gateway: box } = party;
    const { gateway } = await startParty(party);
    await assertReached(party);
    await step("off, and on again", async () => {
      await box.ip("link", "set", CARD, "down");
      const off = sayingPattern("link/off", { name: CARD });
      await gateway.waitForLine(off);
      await eventually("its health says it", async () => off.test(await healthOf(party)));
      await box.ip("link", "set", CARD, "up");
      await assertReached(party);
      await assertHealthy(party);
    });
    await step("renamed: it forwards, and is called by its new name", async () => {
      await box.ip("link", "set", CARD, "down");
      await box.ip("link", "set", CARD, "name", "enx1");
      await box.ip("link", "set", "enx1", "up");
      await gateway.waitForLine(sayingPattern("link/renamed", { before: CARD, name: "enx1" }));
      await assertReached(party);
      await assertHealthy(party);
      await eventually("its page has the new name", async () => {
        const { stdout } = await box.run(["curl", "-s", `${STATUS}/api/gateway`]);
        return JSON.parse(stdout).lan.name === "enx1";
      });
    });
    await step("its MTU is too small, and large enough again", async () => {
      await box.ip("link", "set", "enx1", "mtu", "1400");
      await gateway.waitForLine(sayingPattern("link/small-mtu", { name: "enx1", mtu: "1400" }));
      await assertHealthy(party);
      await box.ip("link", "set", "enx1", "mtu", "1500");
      await gateway.waitForLine(sayingPattern("link/small-mtu-over", { name: "enx1" }));
    });
    await step("a bridge takes it", async () => {
      await box.bridge(BRIDGE);
      await box.ip("link", "set", "enx1", "master", BRIDGE);
      const names = { name: "enx1", master: BRIDGE };
      await gateway.waitForLine(sayingPattern("link/port-of", names));
      await assertReached(party);
      await box.ip("link", "set", "enx1", "nomaster");
      await gateway.waitForLine(sayingPattern("link/port-of-over", names));
    });
    await step("pulled out, and in again under the name that it had at first", async () => {
      await box.ip("link", "del", "enx1");
      await gateway.waitForLine(sayingPattern("link/gone", { name: "enx1" }));
      const addresses = [`${PARTY.lanAddress}/${PARTY.lanPrefix}`];
      await party.lab.veth(
        { namespace: party.lan, name: PARTY.lanInterface, addresses },
        { namespace: box, name: CARD },
      );
      await assertReached(party);
      await assertHealthy(party);
      assertEquals(gateway.running, true);
    });
  },
);

/** Has the machine drop something of what it forwards. */
async function drop(party: Party, family: "ip" | "bridge", rule = ""): Promise<void> {
  const policy = rule === "" ? "drop" : "accept";
  const chain = `type filter hook forward priority 0; policy ${policy};`;
  await party.gateway.run(["nft", "-f", "-"], {
    input: `table ${family} theirs {\n chain forward {\n ${chain}\n ${rule}\n }\n}\n`,
  });
}

function setting(party: Party, value: string): Promise<unknown> {
  const path = "/proc/sys/net/bridge/bridge-nf-call-iptables";
  return party.gateway.run(["sh", "-c", `[ ! -e ${path} ] || echo ${value} > ${path}`]);
}

partyTest("the machine's firewall drops what crosses its bridge", async (party, step) => {
  const { gateway: box } = party;
  await box.bridge(BRIDGE);
  await box.ip("link", "set", CARD, "master", BRIDGE);
  await setting(party, "1");
  const hasSetting = (await box.run(["sh", "-c", "ls /proc/sys/net/bridge || true"])).stdout !== "";
  await drop(party, "bridge", "ether type ip drop");
  const { gateway, client } = await startParty(party, "--interface", BRIDGE);
  const dropped = { name: BRIDGE, protocols: "IPv4" };
  await step("by a rule for bridges, at the start: said, unhealthy, and over", async () => {
    // Where bridges are handed to the firewall of IP, too, that setting is named.
    const key = hasSetting ? sayingPattern("link/firewall", dropped) : undefined;
    const pattern = key ?? sayingPattern("link/bridge-rules", dropped);
    await gateway.waitForLine(pattern, TRIED_MS);
    await eventually("its health says it", async () => pattern.test(await healthOf(party)));
    await client.waitForLine(sayingPattern("lan/silent-held"), TRIED_MS);
    const heldAt = client.stderr.length;
    await box.run(["nft", "delete", "table", "bridge", "theirs"]);
    await gateway.waitForLine(sayingPattern("link/firewall-over", dropped), TRIED_MS);
    await assertHealthy(party);
    await assertReached(party);
    const good = sayingPattern("lan/good");
    await eventually(
      "the player is told",
      () => good.test(client.stderr.slice(heldAt)),
      TRIED_MS,
    );
  });
  if (!hasSetting) return;
  await step(
    "by the policy of FORWARD, as when Docker is started later; the remedy is one",
    async () => {
      await drop(party, "ip");
      const settings = "net.bridge.bridge-nf-call-iptables=0";
      const said = sayingPattern("link/firewall", { ...dropped, settings });
      const count = () => gateway.stderr.split("drops IPv4 that crosses").length;
      const before = count();
      await eventually("it is said", () => count() > before, TRIED_MS);
      assertMatch(gateway.stderr, said);
      await setting(party, "0");
      await assertHealthy(party, TRIED_MS);
      await assertReached(party);
    },
  );
});
