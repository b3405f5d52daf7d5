/** Programs of Linux' firewalls that do not answer, or have nothing to show. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LinuxFirewall, undoLinuxFirewall } from "../../../../src/system/firewall/linux.ts";
import { StepsEndedError } from "../../../../src/system/firewall/linux_steps.ts";
import type { FirewallName } from "../../../../src/system/firewall/mod.ts";
import {
  ACCESS,
  FIREWALLD,
  IPTABLES,
  NAME,
  OWN,
  Programs,
  ruleset,
  STUCK,
  withJournal,
} from "../../../support/firewall_programs.ts";

Deno.test("a firewall whose program does not answer is not taken for none: it is named, and stays written down", async () => {
  await withJournal(async (open) => {
    const journal = open();
    const programs = new Programs({ nft: STUCK, "iptables-nft": STUCK, "firewall-cmd": STUCK });
    const parts = { query: programs.query, programs: () => [IPTABLES] };
    const firewall = new LinuxFirewall(NAME, journal, parts);
    const all: FirewallName[] = ["firewalld", "iptables", "nftables"];
    assertEquals(await firewall.find(), all);
    assertEquals(await firewall.open(ACCESS), {
      firewalls: all,
      failures: [
        ...["firewalld: it did not end", "iptables: it did not end"],
        "nftables: it did not end",
      ],
    });
    assertEquals(journal.changes.length, 1);
    const undo = undoLinuxFirewall((words) => programs.now(words), () => [IPTABLES]);
    const [{ data }] = journal.changes;
    // Each of them by itself is enough: what it has is not known.
    const ANSWERS = {
      nft: ruleset(),
      "iptables-nft": { failure: "iptables: No chain/target/match by that name." },
      "firewall-cmd": FIREWALLD["firewall-cmd --state"],
    };
    for (const stuck of ["nft", "iptables-nft"] as const) {
      Object.assign(programs.answers, ANSWERS, { [stuck]: STUCK });
      assertThrows(() => undo(data), Error, "it did not end", stuck);
      assertEquals(await firewall.close(), "it did not end", stuck);
    }
    Object.assign(programs.answers, ANSWERS, { "firewall-cmd": STUCK });
    assertThrows(() => undo({ interface: NAME, zone: "drop", rules: [] }), Error, "it did not end");
    Object.assign(programs.answers, ANSWERS);
    undo(data);
    assertEquals(await firewall.close(), undefined);
    assertEquals(journal.changes, []);
  });
});

Deno.test("where the kernel has no rules of a kind there are none of ours", async () => {
  await withJournal(async (open) => {
    for (
      const [nft, iptables] of [
        [
          "Error: cache initialization failed: Protocol not supported",
          "can't initialize iptables table `filter': Table does not exist",
        ],
        ["Error: JSON support not compiled-in", "Operation not permitted (you must be root)"],
        ["nft: unrecognized option '--json'", "iptables-nft: unrecognized option '--wait=2'"],
      ]
    ) {
      const programs = new Programs({
        nft: { failure: nft },
        "iptables-nft": { failure: iptables },
      });
      const parts = { query: programs.query, programs: () => [IPTABLES] };
      assertEquals(await new LinuxFirewall(NAME, open(), parts).find(), []);
      undoLinuxFirewall((words) => programs.now(words), () => [IPTABLES])({ interface: NAME });
      assertEquals(programs.done, []);
    }
  });
});

Deno.test("a client that ends lets the LAN in no further, and does not wait for a firewall that is stuck", async () => {
  await withJournal(async (open) => {
    const journal = open();
    const programs = new Programs({ nft: OWN, "iptables-nft": "-P INPUT DROP\n" });
    const { promise: isInserting, resolve: inserts } = Promise.withResolvers<void>();
    const { promise: answer, resolve: goOn } = Promise.withResolvers<void>();
    const firewall = new LinuxFirewall(NAME, journal, {
      query: async (words, input) => {
        if (words[0].endsWith("-restore")) {
          inserts();
          await answer;
        }
        return programs.now(words, input);
      },
      programs: () => [IPTABLES],
      closeTimeoutMs: 0,
    });
    const opening = firewall.open(ACCESS);
    await isInserting;
    assertEquals(await firewall.close(), "the firewall's programs do not answer");
    assertEquals(journal.changes.length, 1, "the next start takes it back");
    goOn();
    await assertRejects(() => opening, StepsEndedError);
    assertEquals(programs.done.filter((line) => line.startsWith("nft insert")), []);
  });
});
