/** That rules of a firewall have changed, as the kernel tells it, whichever program has changed them. */
import { assertEquals } from "@std/assert";
import { FirewallNotices } from "../../../../src/system/firewall/mod.ts";
import { NetworkLab } from "../../../../tools/lab/netns.ts";
import { inNamespace } from "../../../support/enter_namespace.ts";

Deno.test("a change of nftables' rules is noticed, also by iptables, and looking at them is none", async () => {
  await using lab = await NetworkLab.open();
  const place = await lab.namespace("lab");
  const elsewhere = await lab.namespace("other");
  const notices = inNamespace(place, () => new FirewallNotices());
  try {
    assertEquals(notices.take(), false);
    for (
      const [command, isChange] of [
        ["nft add table inet fw", true],
        ["nft list ruleset", false],
        ["nft add chain inet fw in '{ type filter hook input priority 0; policy drop; }'", true],
        ["iptables-nft -A INPUT -j REJECT", true],
        ["iptables-nft -S INPUT", false],
        ["ip6tables-nft -P INPUT DROP", true],
        ["nft flush ruleset", true],
      ] as const
    ) {
      await place.run(["sh", "-c", command]);
      assertEquals(notices.take(), isChange, command);
      assertEquals(notices.take(), false, command);
    }
    await elsewhere.run(["nft", "add", "table", "inet", "fw"]);
    assertEquals(notices.take(), false, "another network's is none of ours");
  } finally {
    notices.close();
  }
});
