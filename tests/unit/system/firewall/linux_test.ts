/** Linux' firewalls, by what their programs print and are told; the real ones are in the levels e2e and system. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { LinuxFirewall, undoLinuxFirewall } from "../../../../src/system/firewall/linux.ts";
import {
  closeChains,
  ownChains,
  parseRuleset,
} from "../../../../src/system/firewall/linux_nftables.ts";
import { iptablesPrograms } from "../../../../src/system/firewall/linux_iptables.ts";
import { runStepsNow } from "../../../../src/system/firewall/linux_steps.ts";
import { ForeignChangeError } from "../../../../src/system/journal/mod.ts";
import {
  ACCESS,
  chain,
  DROP,
  FIREWALLD,
  IPTABLES,
  NAME,
  OWN,
  Programs,
  RANGES,
  rule,
  ruleset,
  withJournal,
} from "../../../support/firewall_programs.ts";

Deno.test("nftables: chains that refuse what comes in are known, be it by policy, verdict or in a chain they call", () => {
  const found = parseRuleset(ruleset(
    chain("inet", "policy", "in", { policy: "drop" }),
    chain("ip", "verdict", "in"),
    rule("ip", "verdict", "in", 4, [{ match: {} }, { reject: { type: "icmp" } }]),
    chain("ip6", "calls", "in"),
    { chain: { family: "ip6", table: "calls", name: "other" } },
    rule("ip6", "calls", "in", 4, [{ jump: { target: "other" } }]),
    rule("ip6", "calls", "other", 5, DROP),
    chain("inet", "counts", "in"),
    rule("inet", "counts", "in", 4, [{ counter: {} }, { accept: null }]),
    chain("inet", "counts", "forward", { hook: "forward" }),
    rule("inet", "counts", "forward", 5, DROP),
    chain("bridge", "other", "in", { policy: "drop" }),
    chain("ip", "filter", "INPUT", { policy: "drop" }),
    chain("inet", "firewalld", "filter_INPUT", { policy: "drop" }),
  ));
  assert(found !== undefined);
  const names = ownChains(found).map(({ family, table, name }) => `${family} ${table} ${name}`);
  assertEquals(names, ["inet policy in", "ip verdict in", "ip6 calls in"]);
  for (const text of ["", "{}", "[]", '{"nftables":3}', "Error: …"]) {
    assertEquals(parseRuleset(text), undefined, text);
  }
});

Deno.test("nftables: the LAN is let in at the head of the chain, and our rules are found by their comment", async () => {
  await withJournal(async (open) => {
    const programs = new Programs({ "nft": OWN });
    const journal = open();
    const firewall = new LinuxFirewall(NAME, journal, {
      query: programs.query,
      programs: () => [],
    });
    assertEquals(await firewall.find(), ["nftables"]);
    assertEquals(await firewall.open(ACCESS), { firewalls: ["nftables"], failures: [] });
    const rules = programs.done[0].replace(/^nft /, "").split("; ");
    const ends = ` accept comment "lanparty-client ${NAME}"`;
    const begin = `insert rule inet fw input iifname "${NAME}"`;
    assertEquals(rules, [
      `${begin} ip saddr 10.77.0.0/24 tcp dport { ${RANGES.join(", ")} }${ends}`,
      `${begin} ip saddr 10.77.0.0/24 udp dport { 1-65535 }${ends}`,
      `${begin} ip saddr 10.77.0.0/24 icmp type echo-request${ends}`,
      `${begin} ip6 saddr fe80::/64 tcp dport { ${RANGES.join(", ")} }${ends}`,
      `${begin} ip6 saddr fe80::/64 udp dport { 1-65535 }${ends}`,
      `${begin} ip6 saddr fe80::/64 icmpv6 type echo-request${ends}`,
    ]);
    assertEquals(journal.changes.map(({ data }) => data), [{ interface: NAME }]);
    const ours = (handle: number) =>
      rule("inet", "fw", "input", handle, [], `lanparty-client ${NAME}`);
    programs.answers["nft --json"] = ruleset(
      ...[chain("inet", "fw", "input", { policy: "drop" }), ours(7), ours(9)],
      rule("inet", "fw", "input", 8, DROP, "lanparty-client lanparty1"),
      rule("inet", "fw", "input", 10, DROP),
    );
    programs.asked.length = 0;
    assertEquals(await firewall.close(), undefined);
    assertEquals(programs.done, [
      "nft delete rule inet fw input handle 7; delete rule inet fw input handle 9",
    ]);
    assertEquals(journal.changes, []);
    assertEquals(await firewall.close(), undefined);
  });
});

Deno.test("nftables: names with all signs that nft takes are let in by, and taken back", async () => {
  for (const [table, name] of [["nixos-fw", "input-allow"], ["_fw", ".in/1"]]) {
    await withJournal(async (open) => {
      const programs = new Programs({
        nft: ruleset(chain("inet", table, name, { policy: "drop" })),
      });
      const parts = { query: programs.query, programs: () => [] };
      const firewall = new LinuxFirewall(NAME, open(), parts);
      assertEquals(await firewall.open(ACCESS), { firewalls: ["nftables"], failures: [] });
      assertStringIncludes(programs.done[0], `nft insert rule inet ${table} ${name} iifname`);
      programs.asked.length = 0;
      programs.answers.nft = ruleset(
        rule("inet", table, name, 7, [], `lanparty-client ${NAME}`),
      );
      assertEquals(await firewall.close(), undefined);
      assertEquals(programs.done, [`nft delete rule inet ${table} ${name} handle 7`]);
    });
  }
});

Deno.test("nftables: names that mean something else to its program are not given to it", () => {
  const programs = new Programs({
    "nft": ruleset(rule("inet", "a; flush ruleset", "in", 3, [], `lanparty-client ${NAME}`)),
  });
  runStepsNow(closeChains(NAME), (words) => programs.now(words));
  assertEquals(programs.done, []);
});

Deno.test("iptables and ufw: a chain of the adapter's own comes first, once, and goes as a whole", async () => {
  await withJournal(async (open) => {
    const journal = open();
    const programs = new Programs({
      "iptables-nft --wait=2 -S INPUT": "-P INPUT DROP\n-A INPUT -j ufw-before-input\n",
      "ip6tables-nft --wait=2 -S INPUT": "-P INPUT DROP\n-A INPUT -j ufw6-before-input\n",
      "ip6tables-nft-restore": "",
      "iptables-nft --wait=2 -S lanparty-lanparty0": { failure: "No chain" },
      "iptables-nft-restore": "",
    });
    const both = [IPTABLES, { name: "ip6tables-nft", isIpv6: true }];
    const firewall = new LinuxFirewall(NAME, journal, {
      query: programs.query,
      programs: () => both,
    });
    assertEquals(await firewall.open(ACCESS), { firewalls: ["ufw"], failures: [] });
    assertStringIncludes(
      programs.inputs.pop() ?? "",
      "-A lanparty-lanparty0 -s fe80::/64 -p icmpv6 --icmpv6-type echo-request -j ACCEPT\n",
    );
    assertEquals(programs.inputs, [
      "*filter\n:lanparty-lanparty0 - [0:0]\n" +
      "-A lanparty-lanparty0 -s 10.77.0.0/24 -p tcp -m multiport --dports " +
      "1:21,24:134,136,140:444,446:514,516:592,594:630 -j ACCEPT\n" +
      "-A lanparty-lanparty0 -s 10.77.0.0/24 -p tcp -m multiport --dports 632:65535 -j ACCEPT\n" +
      "-A lanparty-lanparty0 -s 10.77.0.0/24 -p udp -m multiport --dports 1:65535 -j ACCEPT\n" +
      "-A lanparty-lanparty0 -s 10.77.0.0/24 -p icmp --icmp-type echo-request -j ACCEPT\n" +
      "-I INPUT 1 -i lanparty0 -j lanparty-lanparty0\nCOMMIT\n",
    ]);
    programs.asked.length = 0;
    programs.answers["iptables-nft --wait=2 -S lanparty-lanparty0"] = "-N lanparty-lanparty0\n";
    programs.answers["iptables-nft --wait=2 -"] = "";
    assertEquals(await firewall.close(), undefined);
    assertEquals(programs.done, [
      "iptables-nft --wait=2 -D INPUT -i lanparty0 -j lanparty-lanparty0",
      "iptables-nft --wait=2 -F lanparty-lanparty0",
      "iptables-nft --wait=2 -X lanparty-lanparty0",
    ]);
  });
});

Deno.test("iptables: what could not be looked for, since another program changes rules, stays written down", async () => {
  await withJournal(async (open) => {
    const journal = open();
    const chainRules = "iptables-legacy --wait=2 -S lanparty-lanparty0";
    const programs = new Programs({
      "iptables-legacy --wait=2 -S INPUT": "-P INPUT DROP\n",
      "iptables-legacy-restore": "",
    });
    const parts = {
      query: programs.query,
      programs: () => [{ name: "iptables-legacy", isIpv6: false }],
    };
    const firewall = new LinuxFirewall(NAME, journal, parts);
    assertEquals((await firewall.open(ACCESS)).failures, []);
    const failure = "Another app is currently holding the xtables lock. Stopped waiting after 2s.";
    programs.answers[chainRules] = { failure };
    assertEquals(await firewall.close(), failure);
    assertEquals(journal.changes.length, 1);
    programs.answers[chainRules] = {
      failure: "iptables: No chain/target/match by that name.",
    };
    assertEquals(await firewall.close(), undefined);
    assertEquals(journal.changes, []);
  });
});

Deno.test("iptables: a table that keeps nothing out is left alone, also when our chain is all that is in it", async () => {
  await withJournal(async (open) => {
    for (
      const text of [
        "-P INPUT ACCEPT\n",
        `-P INPUT ACCEPT\n-A INPUT -i ${NAME} -j lanparty-${NAME}\n`,
      ]
    ) {
      const programs = new Programs({ "iptables-nft --wait=2 -S INPUT": text });
      const journal = open();
      const parts = { query: programs.query, programs: () => [IPTABLES] };
      assertEquals(await new LinuxFirewall(NAME, journal, parts).open(ACCESS), {
        firewalls: [],
        failures: [],
      });
      assertEquals([programs.done, journal.changes], [[], []]);
    }
  });
});

Deno.test("iptables: each form and family has its program, and the older form is asked only where it is in use", () => {
  const names = (there: string[], old: boolean) =>
    iptablesPrograms((name) => there.includes(name), () => old).map(({ name }) => name);
  const both = [
    "iptables",
    "iptables-nft",
    "iptables-legacy",
    "ip6tables",
    "ip6tables-nft",
    "ip6tables-legacy",
  ];
  assertEquals(names(both, true), [
    "iptables-nft",
    "iptables-legacy",
    "ip6tables-nft",
    "ip6tables-legacy",
  ]);
  assertEquals(names(both, false), ["iptables-nft", "ip6tables-nft"]);
  assertEquals(names(["iptables", "ip6tables"], true), ["iptables", "ip6tables"]);
  assertEquals(names([], true), []);
});

Deno.test("firewalld: the adapter has a zone that nobody else is in, with what the LAN may reach", async () => {
  await withJournal(async (open) => {
    const journal = open();
    const programs = new Programs(FIREWALLD);
    const firewall = new LinuxFirewall(NAME, journal, {
      query: programs.query,
      programs: () => [],
    });
    assertEquals(await firewall.open(ACCESS), { firewalls: ["firewalld"], failures: [] });
    const [given, bound] = programs.done;
    assertStringIncludes(given, "firewall-cmd --zone=drop --add-rich-rule=");
    assertStringIncludes(
      given,
      '--add-rich-rule=rule family="ipv6" source address="fe80::/64" port port="24-134" protocol="tcp" accept',
    );
    assertStringIncludes(given, '--add-rich-rule=rule protocol value="ipv6-icmp" accept');
    assertEquals(bound, `firewall-cmd --zone=drop --change-interface=${NAME}`);
    const [{ data }] = journal.changes;
    // A killed client's is undone from the journal alone.
    programs.asked.length = 0;
    undoLinuxFirewall((words) => programs.now(words), () => [])(data);
    const undone = [...programs.done];
    assertEquals(undone, [
      `firewall-cmd --zone=drop --remove-interface=${NAME}`,
      given.replaceAll("--add-rich", "--remove-rich"),
    ]);
    programs.asked.length = 0;
    assertEquals(await firewall.close(), undefined);
    assertEquals(programs.done, undone);
  });
});

Deno.test("firewalld: where all its zones are in use, that is said, and nothing is changed at it", async () => {
  await withJournal(async (open) => {
    const programs = new Programs({ ...FIREWALLD, "firewall-cmd --get-zones": "block public\n" });
    const firewall = new LinuxFirewall(NAME, open(), { query: programs.query, programs: () => [] });
    assertEquals(await firewall.open(ACCESS), {
      firewalls: ["firewalld"],
      failures: ["firewalld: none of its zones is free for the adapter"],
    });
    assertEquals(programs.done, []);
  });
});

Deno.test("what goes wrong stays written down, and what a client never does is not undone", async () => {
  await withJournal(async (open) => {
    const journal = open();
    const programs = new Programs({
      "nft": { failure: "Operation not permitted" },
      "nft --json": OWN,
    });
    const firewall = new LinuxFirewall(NAME, journal, {
      query: programs.query,
      programs: () => [],
    });
    const { failures } = await firewall.open(ACCESS);
    assertEquals(failures, ["nftables: Operation not permitted"]);
    programs.answers["nft --json"] = ruleset(
      rule("inet", "fw", "input", 7, [], `lanparty-client ${NAME}`),
    );
    assertEquals(await firewall.close(), "Operation not permitted");
    assertEquals(journal.changes.length, 1);
    const whole = programs.answers["nft --json"] as string;
    programs.answers["nft --json"] = whole.slice(0, -9);
    assertEquals(await firewall.close(), "what nft shows of its rules is not whole");
    assertEquals(journal.changes.length, 1);
    programs.answers["nft --json"] = whole;
    const undo = undoLinuxFirewall((words) => programs.now(words), () => []);
    assertThrows(() => undo(journal.changes[0].data), Error, "Operation not permitted");
    const foreign = [
      ...[NAME, null, 3, {}, { interface: "" }, { interface: "a b" }, {
        interface: "-F",
      }],
      { interface: NAME, zone: "public", rules: [] },
      { interface: NAME, zone: "drop", rules: ["rule service name=ssh accept"] },
      { interface: NAME, zone: "drop", rules: "rule" },
    ];
    for (const data of foreign) assertThrows(() => undo(data), ForeignChangeError);
  });
});
