/** Which settings hand what crosses a bridge to the firewall of IP. */
import { assertEquals } from "@std/assert";
import { readFirewallSettings } from "../../../../src/programs/gateway/lan_watch.ts";

const VISIBLE = { "/proc/sys/kernel/ostype": "Linux" };

/** The protocols that are handed over, where these files are. */
function handed(files: Readonly<Record<string, string>>): string[] {
  return readFirewallSettings("br0", (path) => files[path]).map(({ protocol }) => protocol);
}

Deno.test("each protocol has a setting for all bridges, and one for each bridge", () => {
  assertEquals(handed(VISIBLE), []);
  assertEquals(handed({ ...VISIBLE, "/proc/sys/net/bridge/bridge-nf-call-iptables": "0" }), []);
  assertEquals(handed({ ...VISIBLE, "/proc/sys/net/bridge/bridge-nf-call-iptables": "1" }), [
    "IPv4",
  ]);
  assertEquals(handed({ ...VISIBLE, "/sys/class/net/br0/bridge/nf_call_ip6tables": "1" }), [
    "IPv6",
  ]);
  assertEquals(handed({ ...VISIBLE, "/sys/class/net/br1/bridge/nf_call_ip6tables": "1" }), []);
});

Deno.test("where settings are hidden from the service all may be on, and each is named", () => {
  assertEquals(readFirewallSettings("br0", () => undefined), [
    { protocol: "IPv4", setting: "net.bridge.bridge-nf-call-iptables" },
    { protocol: "IPv6", setting: "net.bridge.bridge-nf-call-ip6tables" },
    { protocol: "ARP", setting: "net.bridge.bridge-nf-call-arptables" },
  ]);
});
