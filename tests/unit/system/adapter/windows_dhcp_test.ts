/** Addresses that somebody has fixed on an adapter, as they stand in the journal: they become words of a command. */
import { assertEquals } from "@std/assert";
import { fixAddresses, isFixedAddresses } from "../../../../src/system/adapter/mod.ts";
import { type NetshResult, runNetsh } from "../../../../src/system/adapter/windows_netsh.ts";

const ADDRESS = { address: "10.8.0.6", mask: "255.255.255.0" };

Deno.test("what was read is taken back as it is", () => {
  for (const addresses of [[], [ADDRESS], [ADDRESS, { ...ADDRESS, address: "10.9.0.6" }]]) {
    for (const router of [null, "10.8.0.1"]) {
      assertEquals(isFixedAddresses({ addresses, router }), true);
    }
  }
});

Deno.test("what could be other words of a command, or too much, is not", () => {
  const odd = [
    null,
    "10.8.0.6",
    { addresses: [ADDRESS] },
    { addresses: ADDRESS, router: null },
    { addresses: [ADDRESS], router: "10.8.0.1 store=active" },
    { addresses: [{ ...ADDRESS, address: "10.8.0.6 & calc" }], router: null },
    { addresses: [{ ...ADDRESS, address: "0.0.0.0" }], router: null },
    { addresses: [{ ...ADDRESS, address: "fe80::1" }], router: null },
    { addresses: [{ ...ADDRESS, mask: "24" }], router: null },
    { addresses: [{ address: "10.8.0.6" }], router: null },
    { addresses: Array(17).fill(ADDRESS), router: null },
  ];
  assertEquals(odd.filter(isFixedAddresses), []);
});

const FIXED = {
  addresses: [ADDRESS, { address: "10.9.0.6", mask: "255.255.0.0" }],
  router: "10.8.0.1",
};

/** What Windows is asked to do, and what comes of it, where it answers so. */
function fixed(...answers: NetshResult[]): [NetshResult, string[]] {
  const asked: string[] = [];
  const result = fixAddresses(7, FIXED, (args) => {
    asked.push(args.join(" "));
    return answers.shift() ?? "refused";
  });
  return [result, asked];
}

const SET = "interface ipv4 set address name=7 address=10.8.0.6 mask=255.255.255.0 source=static " +
  "gateway=10.8.0.1";
const ADD = "interface ipv4 add address name=7 address=10.9.0.6 mask=255.255.0.0";

Deno.test("all of an adapter's addresses are fixed again; one that is refused does not keep the others off", () => {
  assertEquals(fixed("done", "done"), ["done", [SET, ADD]]);
  assertEquals(fixed("refused", "done"), ["refused", [SET, ADD]]);
});

Deno.test("a Windows that does not answer is not asked for one address after the other", () => {
  assertEquals(fixed("unanswered"), ["unanswered", [SET]]);
  assertEquals(fixed("done", "unanswered"), ["unanswered", [SET, ADD]]);
});

Deno.test("netsh is waited for only so long, and what becomes of it is told apart", () => {
  const result = (end: number | "late" | Error) =>
    runNetsh(["x"], (args, timeoutMs) => {
      assertEquals([args, timeoutMs <= 10_000], [["x"], true]);
      if (end instanceof Error) throw end;
      return end;
    });
  const ends: (number | "late" | Error)[] = [0, 1, "late", new Deno.errors.NotFound("netsh.exe")];
  assertEquals(ends.map(result), ["done", "refused", "unanswered", "refused"]);
});
