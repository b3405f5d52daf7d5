import { assert, assertEquals } from "@std/assert";
import {
  formatIdentity,
  IDENTITY_LENGTH_MAX,
  loadIdentity,
  randomIdentityMac,
} from "../../../src/client/identity.ts";
import { formatMac, isIdentityMac, parseMac } from "../../../src/proto/mac.ts";

const MAC = "02:00:00:00:00:51";
const bytesOf = (text: string) => parseMac(text)!;

/** Six given bytes, whatever is asked for. */
const bytes = (hex: string) => () => Uint8Array.fromHex(hex);

const load = (text: string | undefined) => loadIdentity(text, bytes("ff12345678ff"));
const CREATED = "fe:12:34:56:78:ff";

Deno.test("a new MAC is unicast and locally administered, its other 46 bits are random", () => {
  assertEquals(formatMac(randomIdentityMac(bytes("000000000000"))), "02:00:00:00:00:00");
  assertEquals(formatMac(randomIdentityMac(bytes("ffffffffffff"))), "fe:ff:ff:ff:ff:ff");
  assertEquals(formatMac(randomIdentityMac(bytes("a5b6c7d8e9fa"))), "a6:b6:c7:d8:e9:fa");
  for (let first = 0; first < 256; first++) {
    assert(isIdentityMac(randomIdentityMac(() => Uint8Array.of(first, 1, 2, 3, 4, 5)), 0));
  }
});

Deno.test("the random bytes that were handed in are not changed", () => {
  const handed = Uint8Array.fromHex("ff0000000001");
  randomIdentityMac(() => handed);
  assertEquals(handed, Uint8Array.fromHex("ff0000000001"));
});

Deno.test("without a file a MAC is made, and nothing is wrong", () => {
  assertEquals(load(undefined), {
    identity: { mac: bytesOf(CREATED), others: {} },
    origin: "created",
    changed: true,
  });
});

Deno.test("a good file is kept as it is", () => {
  const text = formatIdentity({ mac: bytesOf(MAC), others: {} });
  assertEquals(text, '{\n  "version": 1,\n  "mac": "02:00:00:00:00:51"\n}\n');
  assertEquals(load(text), {
    identity: { mac: bytesOf(MAC), others: {} },
    origin: "kept",
    changed: false,
  });
});

Deno.test("a byte order mark, as some editors write it, does no harm", () => {
  assertEquals(load("\ufeff" + formatIdentity({ mac: bytesOf(MAC), others: {} })).origin, "kept");
});

Deno.test("other notations of a MAC are kept, and written canonically", () => {
  for (const mac of ["02-00-00-00-00-51", "020000000051", " 02:00:00:00:00:51 "]) {
    const loaded = load(JSON.stringify({ version: 1, mac }));
    assertEquals(loaded, {
      identity: { mac: bytesOf(MAC), others: {} },
      origin: "kept",
      changed: true,
    });
  }
  assertEquals(load('{"mac":"0A:BC:DE:F0:12:34"}').identity.mac, bytesOf("0a:bc:de:f0:12:34"));
});

Deno.test("a MAC that nobody may choose is repaired, and keeps its other bits", () => {
  for (
    const [mac, repaired] of [
      ["00:1b:21:3c:4d:5e", "02:1b:21:3c:4d:5e"],
      ["03:00:00:00:00:51", "02:00:00:00:00:51"],
      ["01-00-5e-00-00-fb", "02:00:5e:00:00:fb"],
    ]
  ) {
    const loaded = load(JSON.stringify({ version: 1, mac }));
    assertEquals(loaded, {
      identity: { mac: bytesOf(repaired), others: {} },
      origin: "repaired",
      changed: true,
      problem: "bad-mac",
    });
    assertEquals(load(formatIdentity(loaded.identity)).origin, "kept");
  }
});

Deno.test("what holds no usable MAC gets a new one, and says what was wrong", () => {
  const cases: Record<string, string> = {
    "": "not-json",
    "{": "not-json",
    "null": "not-json",
    "[]": "not-json",
    '"02:00:00:00:00:51"': "not-json",
    "{}": "no-mac",
    '{"mac":51}': "no-mac",
    '{"mac":null}': "no-mac",
    '{"mac":""}': "bad-mac",
    '{"mac":"02:00:00:00:00"}': "bad-mac",
    '{"mac":"02:00:00:00:00:5g"}': "bad-mac",
    '{"mac":"02:00:00:00:00:51:52"}': "bad-mac",
    '{"mac":"00:00:00:00:00:00"}': "bad-mac",
    '{"mac":"01:00:00:00:00:00"}': "bad-mac",
    '{"mac":"ff:ff:ff:ff:ff:ff"}': "bad-mac",
  };
  for (const [text, problem] of Object.entries(cases)) {
    const loaded = load(text);
    assertEquals(loaded.problem, problem, text);
    assertEquals([loaded.identity.mac, loaded.origin, loaded.changed], [
      bytesOf(CREATED),
      "created",
      true,
    ]);
  }
  assertEquals(load(" ".repeat(IDENTITY_LENGTH_MAX) + '{"mac":"x"}').problem, "not-json");
});

Deno.test("fields of other versions survive, also when the MAC had to be made anew", () => {
  const others = { name: "Alice", tap: { name: "lan0" } };
  const kept = load(JSON.stringify({ version: 1, mac: MAC, ...others }));
  assertEquals(kept.identity.others, others);
  assertEquals(JSON.parse(formatIdentity(kept.identity)), { version: 1, mac: MAC, ...others });
  const made = load(JSON.stringify({ version: 1, mac: 7, ...others }));
  assertEquals(made.identity, { mac: bytesOf(CREATED), others });
});
