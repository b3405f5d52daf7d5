/** What becomes of an adapter that other programs change: put back, given up, and kept again. */
import { assertEquals } from "@std/assert";
import {
  type AdapterRepair,
  AdapterUpkeep,
  type FoundAdapter,
  REPAIR_INTERVAL_MS,
  REPAIRS_MAX,
} from "../../../src/client/adapter_upkeep.ts";
import { adapterSentence } from "../../../src/observe/adapter_events.ts";
import { lanVerdictText } from "../../../src/observe/lan_verdict.ts";
import { sentenceLine } from "../../../src/observe/sentences.ts";
import { statusLevel } from "../../../src/observe/status.ts";
import { saying, sentenceOf } from "../../support/sentences.ts";

const MAC = "02:00:00:00:00:0a";
const ADDRESS = "10.77.0.70/24";
const LINK = "fe80::ff:fe00:a/64";
const GOOD: FoundAdapter = {
  ...{ mac: MAC, mtu: 1400, isUp: true, hasIpv6: true },
  addresses: [ADDRESS, LINK],
};
const NAME = "lanparty0";
const WHO = "Another program (likely NetworkManager)";

/** Each trait: how it is put back, what another program does, and what is said of it, in the order of events. */
const WRONG: readonly [AdapterRepair, Partial<FoundAdapter>, readonly string[]][] = [
  [{ trait: "up" }, { isUp: false, addresses: [] }, [
    saying("adapter/restored-up", { name: NAME }),
    saying("adapter/contested-up", { name: NAME, who: WHO }),
    saying("adapter/kept-up", { name: NAME }),
  ]],
  [{ trait: "mac", mac: MAC }, { mac: "ca:fe:00:00:00:01" }, [
    saying("adapter/restored-mac", { name: NAME }),
    saying("adapter/contested-mac", { name: NAME, who: WHO }),
    saying("adapter/kept-mac", { name: NAME }),
  ]],
  [{ trait: "mtu", mtu: 1400 }, { mtu: 9000 }, [
    saying("adapter/restored-mtu", { name: NAME }),
    saying("adapter/contested-mtu", { name: NAME, who: WHO }),
    saying("adapter/kept-mtu", { name: NAME }),
  ]],
  [{ trait: "address", address: ADDRESS }, { addresses: [LINK] }, [
    saying("adapter/restored-address", { name: NAME, address: ADDRESS }),
    saying("adapter/contested-address", { name: NAME, who: WHO }),
    saying("adapter/kept-address", { name: NAME }),
  ]],
  [{ trait: "ipv6", address: LINK }, { addresses: [ADDRESS] }, [
    saying("adapter/restored-ipv6", { name: NAME }),
    saying("adapter/contested-ipv6", { name: NAME, who: WHO }),
    saying("adapter/kept-ipv6", { name: NAME }),
  ]],
];

function open(likely: readonly string[] = []): AdapterUpkeep {
  const upkeep = new AdapterUpkeep(
    NAME,
    { mac: MAC, mtu: 1400, addresses: [ADDRESS] },
    () => likely,
  );
  assertEquals(upkeep.handleFound(GOOD, 0), []);
  return upkeep;
}

function said(upkeep: AdapterUpkeep): string[] {
  return upkeep.drainEvents().map((event) => sentenceLine(adapterSentence(event)));
}

for (const [repair, wrong, [restored, contested, kept]] of WRONG) {
  const { trait } = repair;
  Deno.test(`another program changes the adapter (${trait}): put back, given up, kept again`, () => {
    const upkeep = open(["NetworkManager"]);
    const found = { ...GOOD, ...wrong };
    for (let count = 0; count < REPAIRS_MAX; count++) {
      assertEquals(upkeep.handleFound(found, 1_000 + count), [repair]);
      assertEquals(upkeep.handleFound(GOOD, 1_000 + count), []);
    }
    assertEquals(said(upkeep), [restored]);
    // The sixth time within a minute is one too many, and is said once.
    assertEquals(upkeep.handleFound(found, 2_000), []);
    assertEquals(upkeep.handleFound(found, 3_000), []);
    assertEquals(said(upkeep), [contested]);
    const isVital = ["up", "mac", "address"].includes(trait);
    assertEquals(upkeep.fault?.trait, isVital ? trait : undefined);
    // Once a minute it is tried.
    const laterMs = 1_000 + REPAIR_INTERVAL_MS;
    assertEquals(upkeep.handleFound(found, laterMs), [repair]);
    assertEquals(upkeep.handleFound(found, laterMs + 1), []);
    assertEquals(upkeep.handleFound(GOOD, laterMs + 2), []);
    assertEquals(said(upkeep), []);
    assertEquals(upkeep.handleFound(GOOD, laterMs + 1 + REPAIR_INTERVAL_MS), []);
    assertEquals(said(upkeep), [kept]);
    assertEquals(upkeep.fault, undefined);
  });
}

Deno.test("a change now and then is put back for ever, and told each time that it is rare", () => {
  const upkeep = open();
  const found = { ...GOOD, mac: "ca:fe:00:00:00:01" };
  for (let count = 1; count <= 20; count++) {
    assertEquals(upkeep.handleFound(found, count * REPAIR_INTERVAL_MS).length, 1);
    assertEquals(said(upkeep).length, 1);
  }
});

Deno.test("all at once is put back in the order in which it can be", () => {
  const upkeep = open();
  const off = { mac: "ca:fe:00:00:00:01", mtu: 9000, isUp: false, hasIpv6: true, addresses: [] };
  const traits = (found: FoundAdapter) => upkeep.handleFound(found, 1).map(({ trait }) => trait);
  assertEquals(traits(off), ["up", "mac", "mtu"]);
  assertEquals(traits({ ...GOOD, addresses: [] }), ["address", "ipv6"]);
});

Deno.test("what is wanted changes with the room and the lease", () => {
  const upkeep = open();
  upkeep.want({ mtu: 1280, addresses: [] });
  assertEquals(upkeep.handleFound(GOOD, 1), [{ trait: "mtu", mtu: 1280 }]);
  assertEquals(upkeep.handleFound({ ...GOOD, mtu: 1280, addresses: [LINK] }, 2), []);
});

Deno.test("without IPv6 on the adapter, or before its first address, none of it is asked for", () => {
  const upkeep = open();
  assertEquals(upkeep.handleFound({ ...GOOD, hasIpv6: false, addresses: [ADDRESS] }, 1), []);
  const early = new AdapterUpkeep("lanparty0", { mac: MAC, mtu: 1400, addresses: [] }, () => []);
  assertEquals(early.handleFound({ ...GOOD, addresses: [] }, 1), []);
});

Deno.test("a fault is what the verdict says, and who may be it if that is known", () => {
  const fault = { name: "lanparty0", trait: "mac", likely: ["NetworkManager", "dhcpcd"] } as const;
  const who = "Another program (likely NetworkManager or dhcpcd)";
  assertEquals(
    lanVerdictText({ kind: "adapter-changed", fault }),
    sentenceOf("adapter/contested-mac", { name: NAME, who }),
  );
  assertEquals(statusLevel({ type: "adapterContested", ...fault }), "warning");
  assertEquals(statusLevel({ type: "adapterKept", name: "lanparty0", trait: "mac" }), "info");
});
