/** What `lanparty-relay install` tells its administrator. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type ListenAddress, parseListen } from "../../../../src/control/address.ts";
import { parseHostRelay } from "../../../../src/cli/host_options.ts";
import { firewallText, hostLine, keptText } from "../../../../src/programs/relay/install_text.ts";

const FINGERPRINT = "N0cI__d3nV2Xnsh11W3SKG9tPPfsMXo7JWMqqyjsN7s";
const ADDRESSES = [
  ...["127.0.0.1", "10.0.0.5", "203.0.113.7", "203.0.113.8", "::1", "fe80::1", "fd00::1"],
  ...["2001:db8:1:2:a1b2:c3d4:e5f6:789a", "2001:db8:1:2::1"],
];

function listenOf(...texts: string[]): ListenAddress[] {
  return texts.map((text) => parseListen(text)).filter((address) => address !== undefined);
}

/** What stands behind `--relay`, and whether the host is known. */
function relayOf(listen: string[], addresses: readonly string[], publicHost?: string) {
  const place = { listen: listenOf(...listen), publicHost, addresses, fingerprint: FINGERPRINT };
  const { text, isHostKnown } = hostLine(place);
  const head = "lanparty-gateway host --relay ";
  assertEquals(text.startsWith(head), true);
  return [text.slice(head.length).replace(FINGERPRINT, "F"), isHostKnown];
}

Deno.test("the line has one public address of each IP version, or the name that is given", () => {
  const both = "203.0.113.7:443,[2001:db8:1:2::1]:443,F";
  assertEquals(relayOf(["443/udp"], ADDRESSES), [both, true]);
  assertEquals(relayOf(["0.0.0.0:443"], ADDRESSES), ["203.0.113.7:443,F", true]);
  assertEquals(relayOf(["[::]:444"], ADDRESSES), ["[2001:db8:1:2::1]:444,F", true]);
  assertEquals(relayOf(["203.0.113.8:443"], ADDRESSES), ["203.0.113.8:443,F", true]);
  assertEquals(relayOf(["443/udp", "8443/udp"], ADDRESSES, "relay.example.org"), [
    "relay.example.org:443,relay.example.org:8443,F",
    true,
  ]);
});

Deno.test("a machine behind NAT has a place for the name, and no address that leads nowhere", () => {
  assertEquals(relayOf(["443/udp"], ["127.0.0.1", "10.0.0.5", "fe80::1"]), ["NAME:443,F", false]);
  assertEquals(relayOf(["10.0.0.5:443"], ["10.0.0.5"]), ["NAME:443,F", false]);
});

Deno.test("what is printed is what the gateway's host reads", () => {
  const place = { listen: listenOf("443/udp", "8443/udp"), publicHost: undefined };
  const { text } = hostLine({ ...place, addresses: ADDRESSES, fingerprint: FINGERPRINT });
  const read = parseHostRelay(text.split(" ").at(-1) ?? "");
  assertEquals("relays" in read && [read.relays.length, read.fingerprint], [4, FINGERPRINT]);
  const unpinned = hostLine({ ...place, addresses: ADDRESSES, fingerprint: undefined }).text;
  assertEquals(unpinned.endsWith("]:8443"), true);
});

Deno.test("each firewall is opened in its own words, and what does not last is said", () => {
  const text = (firewalls: Parameters<typeof firewallText>[0]["firewalls"], ...ports: number[]) =>
    firewallText({
      firewalls,
      chains: [{ family: "inet", table: "filter", name: "input" }],
    }, ports);
  const lasting = "it is gone when this machine restarts";
  assertStringIncludes(text(["ufw"], 443, 8443), "\n  ufw allow 443/udp\n  ufw allow 8443/udp\n");
  const firewalld = text(["firewalld"], 443, 8443);
  assertStringIncludes(
    firewalld,
    "\n  firewall-cmd --permanent --add-port=443/udp --add-port=8443/udp && firewall-cmd --reload\n",
  );
  assertEquals(firewalld.includes(lasting), false);
  const nftables = text(["nftables"], 443, 8443);
  const rule = "nft insert rule inet filter input udp dport '{ 443, 8443 }' accept";
  assertStringIncludes(nftables, `\n  ${rule}\n`);
  assertStringIncludes(nftables, lasting);
  assertStringIncludes(
    text(["iptables"], 443),
    "\n  ip6tables -I INPUT -p udp --dport 443 -j ACCEPT\n",
  );
  assertEquals(text([], 443).split("\n").length, 1);
  assertStringIncludes(text([], 443), "UDP port 443 must be open there, too");
});

Deno.test("where nftables' rules could not be read that is said, and no command is promised", () => {
  const text = (...firewalls: Parameters<typeof firewallText>[0]["firewalls"][number][]) =>
    firewallText({ firewalls, chains: [] }, [443, 8443]);
  const unread = "The rules of nftables could not be read: ";
  assertStringIncludes(text("nftables"), `may keep players out.\n${unread}`);
  assertStringIncludes(text("nftables"), "let UDP port 443 and 8443 in.");
  assertEquals(text("nftables").includes("To open"), false);
  assertEquals(text("nftables").includes("gone when this machine restarts"), false);
  assertStringIncludes(
    text("ufw", "nftables"),
    `:\n  ufw allow 443/udp\n  ufw allow 8443/udp\n${unread}`,
  );
  assertStringIncludes(text("iptables", "nftables"), "gone when this machine restarts");
});

Deno.test("certificate and key are spoken of where they are", () => {
  const folder = "/var/lib/lanparty-relay";
  assertStringIncludes(
    keptText("key", folder, false) ?? "",
    `certificate and key stay in ${folder}`,
  );
  assertStringIncludes(keptText("key", folder, true) ?? "", "certificate and key are removed");
  for (const isPurged of [false, true]) {
    const text = keptText("state", folder, isPurged) ?? "";
    assertStringIncludes(text, folder);
    assertEquals(/certificate|key/.test(text), false);
    assertEquals(keptText("nothing", folder, isPurged), undefined);
  }
});
