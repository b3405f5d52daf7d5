import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { parseBanTarget, tokenName } from "../../../src/control/ban_target.ts";
import { type Ban, formatBans, makeBan, parseBans } from "../../../src/relay/ban_record.ts";
import { BanList } from "../../../src/relay/bans.ts";
import {
  HOST_BANS_MAX,
  HOST_BANS_PER_SITE_MAX,
  OPERATOR_BANS_MAX,
  ROOM_BANS_MAX,
} from "../../../src/relay/limits_removal.ts";

const T = 1_700_000_000_000;
const MAC = "02:00:00:00:00:0b";

/** A ban; its number makes its id and, unless others are given, its target. */
function ban(number: number, fields: Partial<Ban> = {}): Ban {
  const id = number.toString(16).padStart(10, "0");
  const target = `192.0.${number >> 8 & 0xff}.${number & 0xff}`;
  return { id, by: "operator", targets: [target], madeMs: T, ...fields };
}

/** A ban of a host's. */
function hostBan(number: number, room: string, fields: Partial<Ban> = {}): Ban {
  return ban(number, { by: "host", room, untilMs: T + 1_000_000, ...fields });
}

function counter(next: number): () => number {
  return () => next++;
}

Deno.test("a ban's target has one form, whatever it was written as", () => {
  const forms: [string, string | undefined][] = [
    ["02:00:00:00:00:AB", "02:00:00:00:00:ab"],
    ["192.0.2.7", "192.0.2.7"],
    ["2001:DB8:0:1::7", "2001:db8:0:1::/64"],
    ["2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"],
    ["2001:db8:0:1::/64", "2001:db8:0:1::/64"],
    ["::1", "::/64"],
    ["token:b3Bh-_Vl", "token:b3Bh-_Vl"],
    ...[
      ...["", "192.0.2.7:443", "192.0.2.0/24", "[::1]", "2001:db8::/32", "fe80::1%eth0"],
      ...[
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        "02-00-00-00-00-51",
        "token:",
        "token:b3Bh+_Vl",
      ],
      ...["TOKEN:b3Bh-_Vl", "relay.example.org", "7", "192.0.2.07"],
    ].map((text): [string, undefined] => [text, undefined]),
  ];
  for (const [text, form] of forms) {
    assertEquals(parseBanTarget(text), form, text);
    if (form !== undefined) assertEquals(parseBanTarget(form), form, text);
  }
  assertEquals(tokenName("b3BhcXVlb3BhcXVlb3BhcXVl"), "token:b3BhcXVl");
  for (const text of [undefined, "", "short", "b3BhcXVl", "!!!!!!!!!!!!!!!!!!!!"]) {
    assertEquals(tokenName(text), undefined);
  }
});

Deno.test("bans are found in their rooms alone, by any of their targets, and the longest of several", () => {
  const list = new BanList();
  list.add(ban(1, { targets: ["192.0.2.7"], untilMs: T + 10 }), T);
  list.add(ban(2, { room: "PARTY", targets: [MAC, "192.0.2.8"], untilMs: T + 20 }), T);
  list.add(hostBan(3, "PARTY.key", { targets: [MAC, "192.0.2.7"], untilMs: T + 30 }), T);
  list.add(ban(4, { room: "PARTY", targets: [MAC] }), T);
  const find = (
    rooms: string[],
    targets: (string | undefined)[],
    role: "client" | "gateway" = "client",
  ) => list.find(rooms, targets, role, T)?.id.slice(-1);
  assertEquals(find(["OTHER"], ["192.0.2.7"]), "1");
  assertEquals(find(["OTHER"], [MAC, "192.0.2.8"]), undefined);
  assertEquals(find(["PARTY"], [undefined, "192.0.2.8"]), "2");
  assertEquals(find(["PARTY", "PARTY.key"], ["192.0.2.7"]), "3");
  assertEquals(
    find(["PARTY", "PARTY.key"], ["192.0.2.7"], "gateway"),
    "1",
    "a host bans players only",
  );
  assertEquals(find(["PARTY", "PARTY.key"], [MAC]), "4", "one without an end lasts longest");
  list.remove("0000000004");
  assertEquals(find(["PARTY", "PARTY.key"], [MAC]), "3");
  assertEquals(list.find(["PARTY"], [MAC], "client", T + 19)?.id, "0000000002");
  assertEquals(list.find(["PARTY"], [MAC], "client", T + 20), undefined, "it is over");
  assertEquals(list.prune(T + 20), ["0000000001", "0000000002"]);
  assertEquals(list.counts, { operator: 0, host: 1 });
});

Deno.test("a ban takes the place of an equal one of the same author and room, and of no other", () => {
  const list = new BanList();
  list.add(ban(1, { targets: [MAC, "192.0.2.7"], untilMs: T + 10 }), T);
  const gone = (one: Ban) => {
    const added = list.add(one, T);
    assert(added.ok);
    return added.gone;
  };
  assertEquals(gone(ban(2, { targets: ["192.0.2.7", MAC], untilMs: T + 20 })), ["0000000001"]);
  assertEquals(gone(ban(3, { targets: [MAC] })), []);
  assertEquals(gone(ban(4, { room: "PARTY", targets: [MAC] })), []);
  assertEquals(gone(hostBan(5, "PARTY", { targets: [MAC] })), []);
  assertEquals(gone(ban(4, { room: "PARTY", targets: ["192.0.2.9"] })), [], "the same id");
  assertEquals(list.values(T).map(({ id }) => id.slice(-1)), ["2", "3", "5", "4"]);
  assertEquals(list.find(["PARTY"], ["192.0.2.9"], "client", T)?.id, "0000000004");
});

//= PROTOCOL.md 6.7
//# A relay bounds their number (this project: 64 in a room, 128 of one site, 4,096 over all; then
//# the oldest of the site with the most gives way.
Deno.test("bans are bounded: the operator, a room and a site are refused one too many", () => {
  const list = new BanList();
  for (let i = 0; i < OPERATOR_BANS_MAX; i++) assert(list.add(ban(i), T).ok);
  assertEquals(list.add(ban(0xffffff, { targets: [MAC] }), T), { ok: false });
  const next = counter(0x1000000);
  const site = "192.0.2.1";
  for (let i = 0; i < ROOM_BANS_MAX; i++) {
    assert(list.add(hostBan(next(), "FULL", { site }), T).ok);
  }
  assertEquals(list.add(hostBan(next(), "FULL", { site: "192.0.2.2", targets: [MAC] }), T), {
    ok: false,
  });
  for (let i = ROOM_BANS_MAX; i < HOST_BANS_PER_SITE_MAX; i++) {
    assert(list.add(hostBan(next(), `R-${i}`, { site, targets: [MAC] }), T).ok);
  }
  assertEquals(list.add(hostBan(next(), "OTHER", { site }), T), { ok: false });
  assert(list.add(hostBan(next(), "OTHER", { site: "192.0.2.2" }), T).ok);
  // One that takes the place of another adds nothing.
  const last = hostBan(next(), `R-${HOST_BANS_PER_SITE_MAX - 1}`, { site, targets: [MAC] });
  const added = list.add(last, T);
  assertEquals([added.ok, list.find([last.room!], [MAC], "client", T)?.id], [true, last.id]);
});

Deno.test("bans of all hosts: one too many takes the place of the oldest of the site with the most", () => {
  const list = new BanList();
  const next = counter(0);
  const honest = Array.from({ length: 20 }, () => hostBan(next(), "PARTY", { site: "192.0.2.1" }));
  for (const one of honest) assert(list.add(one, T).ok);
  // Bans of a file of before, when the host's address was not kept: they count by room.
  const old = Array.from({ length: 20 }, () => hostBan(next(), "OLD"));
  for (const one of old) assert(list.add(one, T).ok);
  // A stranger with 100 addresses opens a room for each ban.
  for (let i = 0; i < 2 * HOST_BANS_MAX; i++) {
    const added = list.add(hostBan(next(), `R-${i}`, { site: `198.51.100.${i % 100}` }), T);
    if (i === HOST_BANS_MAX - 40) {
      const first = hostBan(40, "R-0").id;
      assertEquals(added, { ok: true, gone: [first] }, "the oldest of the site with the most");
    }
  }
  assertEquals(list.counts, { operator: 0, host: HOST_BANS_MAX });
  assertEquals([list.ofRoom("PARTY"), list.ofRoom("OLD")], [honest, old]);
});

Deno.test("whatever is added, removed and over, the list finds what a plain search finds", () => {
  const target = fc.constantFrom(MAC, "192.0.2.7", "192.0.2.8", "token:aaaaaaaa");
  const room = fc.constantFrom("A", "B");
  const step = fc.oneof(
    fc.record({
      add: fc.record({
        number: fc.nat(20),
        by: fc.constantFrom("operator", "host"),
        room: fc.option(room, { nil: undefined }),
        targets: fc.uniqueArray(target, { minLength: 1, maxLength: 3 }),
        forMs: fc.nat(50),
      }),
    }),
    fc.record({ remove: fc.nat(20) }),
    fc.record({ pass: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), room, target, (steps, where, whom) => {
      const list = new BanList();
      let plain: Ban[] = [];
      let nowMs = T;
      for (const one of steps) {
        if ("pass" in one) nowMs += one.pass;
        else if ("remove" in one) {
          const { id } = ban(one.remove);
          list.remove(id);
          plain = plain.filter((other) => other.id !== id);
        } else {
          const { number, by, forMs, targets } = one.add;
          const inRoom = by === "host" ? one.add.room ?? "A" : one.add.room;
          const made = makeBan({
            ...ban(number),
            by: by as Ban["by"],
            room: inRoom,
            targets,
            untilMs: nowMs + forMs,
          });
          assert(list.add(made, nowMs).ok);
          const isSame = (other: Ban) =>
            other.id === made.id ||
            (other.by === made.by && other.room === made.room &&
              other.targets.toSorted().join() === made.targets.toSorted().join());
          plain = [...plain.filter((other) => !isSame(other)), made];
        }
        const inForce = plain.filter(({ untilMs }) => untilMs! > nowMs);
        const expected = inForce.filter((other) =>
          other.targets.includes(whom) && (other.room === undefined || other.room === where)
        ).map(({ untilMs }) => untilMs!);
        const found = list.find([where], [whom], "client", nowMs);
        assertEquals(found?.untilMs, expected.length === 0 ? undefined : Math.max(...expected));
        assertEquals(
          new Set(list.values(nowMs).map(({ id }) => id)),
          new Set(inForce.map(({ id }) => id)),
        );
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("bans are the same when they were written and read, and what is none is left out", () => {
  const bans = [
    ban(1),
    ban(2, {
      room: "PARTY.ab-_",
      targets: [MAC, "2001:db8:0:1::/64", "token:abcdefgh"],
      untilMs: T,
      reason: "x",
      name: "Bob",
    }),
    hostBan(3, `PARTY.${"a".repeat(43)}`),
    hostBan(4, "PARTY", { site: "2001:db8:1::/48" }),
  ];
  assertEquals(parseBans(formatBans(bans)), { bans, damaged: false });
  assertEquals(parseBans(formatBans([])), { bans: [], damaged: false });
  for (const text of ["", "{", "null", "[]", '{"version":2,"bans":[]}', '{"version":1}']) {
    assertEquals(parseBans(text), { bans: [], damaged: true }, text);
  }
  const bad: object[] = [
    { id: "1" },
    { by: "nobody" },
    { by: "host" },
    { by: "host", room: "PARTY" },
    { targets: [] },
    { targets: ["192.0.2.7", "192.0.2.8", "192.0.2.9", MAC] },
    { targets: ["192.0.2.7/24"] },
    { targets: ["02:00:00:00:00:0B"] },
    { room: "party" },
    { room: "" },
    { madeMs: -1 },
    { madeMs: "now" },
    { untilMs: 1.5 },
    { reason: 7 },
    { name: {} },
    { site: 7 },
    { site: "a b" },
  ];
  for (const fields of bad) {
    const text = JSON.stringify({ version: 1, bans: [ban(1), { ...ban(2), ...fields }, ban(3)] });
    assertEquals(
      parseBans(text),
      { bans: [ban(1), ban(3)], damaged: true },
      JSON.stringify(fields),
    );
  }
  for (const entry of [null, 7, "x", []]) {
    assertEquals(parseBans(JSON.stringify({ version: 1, bans: [entry] })), {
      bans: [],
      damaged: true,
    });
  }
  const [odd] = parseBans(
    JSON.stringify({ version: 1, bans: [{ ...ban(1), reason: `\u202e${"r".repeat(200)}` }] }),
  ).bans;
  assertEquals(odd.reason, "r".repeat(128));
});
