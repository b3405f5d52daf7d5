import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as fc from "fast-check";
import type { PeerId } from "../../../src/proto/brands.ts";
import type { BanView, RemovalWords } from "../../../src/serve/ban_control.ts";
import { answerQuestion, type ControlActions, parseQuestion } from "../../../src/serve/control.ts";
import { makeView, VIEW_UNIX_MS } from "./view.ts";

const BANS: readonly BanView[] = [
  {
    ...{
      id: "00000000aa",
      by: "operator",
      targets: ["192.0.2.7"],
      untilMs: VIEW_UNIX_MS + 7_200_000,
    },
    reason: "cheats",
  },
  {
    ...{ id: "00000000bb", by: "host", room: "PARTY.abcdefghijklmnop", name: "Bob" },
    ...{ targets: ["02:00:00:00:00:52", "192.0.2.7"], untilMs: VIEW_UNIX_MS + 90_000 },
  },
  { id: "00000000cc", by: "operator", room: "PARTY-2", targets: ["2001:db8:0:1::/64"] },
];

/** Writes down what is done; peer 1 is in PARTY, and one lock fits. */
class Actions implements ControlActions {
  readonly unixMs = VIEW_UNIX_MS;
  readonly done: string[] = [];
  readonly #locks = new Set<string>();

  rooms() {
    return makeView().rooms;
  }

  kick(room: string, peerId: PeerId, removal: RemovalWords) {
    this.done.push(`kick ${room} ${peerId} ${JSON.stringify(removal)}`);
    if (room !== "PARTY") return "nobody";
    return peerId === 1 ? "gone" : peerId === 3 ? "too many bans" : "nobody";
  }

  ban(target: string, removal: RemovalWords): boolean {
    this.done.push(`ban ${target} ${JSON.stringify(removal)}`);
    return target !== "192.0.2.99";
  }

  unban(ids: readonly string[]): void {
    this.done.push(`unban ${ids}`);
  }

  bans() {
    return BANS;
  }

  lock(room: string): boolean {
    this.done.push(`lock ${room}`);
    return this.#locks.size < 1 && this.#locks.add(room).size === 1;
  }

  unlock(room: string): boolean {
    return this.#locks.delete(room);
  }

  close(room: string, reason: string | undefined): number {
    this.done.push(`close ${room}${reason === undefined ? "" : ` ${reason}`}`);
    return room === "PARTY" ? 2 : room === "PARTY.aB-_" ? 1 : 0;
  }

  drain(): void {
    this.done.push("drain");
  }
}

/** An answer as `+text` or `-text`. */
function ask(actions: Actions, line: string): string {
  const { ok, text } = answerQuestion(line === "" ? [] : line.split(" "), actions);
  return `${ok ? "+" : "-"}${text}`;
}

Deno.test("rooms and peers come as tables", () => {
  const actions = new Actions();
  assertEquals(ask(actions, "rooms").split("\n"), [
    "+ROOM            PEERS  GATEWAY  MTU   LOCKED  OPEN",
    "PARTY.abcdefgh  2      yes      1400  no      0:01 h",
  ]);
  const expected = [
    "+ROOM            PEER  ROLE     MAC                ADDRESS         PING     SINCE   NAME",
    "PARTY.abcdefgh  1     client   02:00:00:00:00:51  192.0.2.7:4711  12.5 ms  0:01 h  Ann",
    "PARTY.abcdefgh  2     gateway  02:00:00:00:00:51  192.0.2.7:4711  12.5 ms  0:01 h  Ann",
  ];
  for (const name of ["PARTY", "party", "PARTY.abcdefgh", "party.abcdefgh"]) {
    assertEquals(ask(actions, `peers ${name}`).split("\n"), expected, name);
  }
  assertEquals(ask(actions, "peers PARTY.ABCDEFGH"), "-there is no room PARTY.ABCDEFGH");
});

Deno.test("a name that runs from right to left turns nothing in the table", () => {
  const [room] = makeView().rooms;
  const hostile = new class extends Actions {
    override rooms() {
      return [{ ...room, peers: room.peers.map((peer) => ({ ...peer, name: "אבג 7" })) }];
    }
  }();
  assertStringIncludes(ask(hostile, "peers PARTY"), "  0:01 h  \u2068אבג 7\u2069\n");
});

Deno.test("rooms of several reactors say which one they are in", () => {
  const [room] = makeView().rooms;
  const several = new class extends Actions {
    override rooms() {
      return [{ ...room, reactor: 0 }, { ...room, id: "OTHER", reactor: 1 }];
    }
  }();
  assertEquals(ask(several, "rooms").split("\n"), [
    "+ROOM            PEERS  GATEWAY  MTU   LOCKED  OPEN    REACTOR",
    "PARTY.abcdefgh  2      yes      1400  no      0:01 h  0",
    "OTHER           2      yes      1400  no      0:01 h  1",
  ]);
});

Deno.test("kick, lock, unlock and drain are done once, and it is said when there is nothing to do", () => {
  const actions = new Actions();
  const answers = ["kick party 1", "kick PARTY 2", "kick PARTY x", "kick PARTY 99999999"]
    .map((line) => ask(actions, line));
  assertEquals(answers, [
    "+peer 1 is out of PARTY for 1 hour",
    "-there is no peer 2 in PARTY",
    '-"x" is no peer id',
    '-"99999999" is no peer id',
  ]);
  assertEquals(ask(actions, "lock party.aB-_"), "+PARTY.aB-_ is locked: nobody new is let in");
  assertEquals(ask(actions, "lock OTHER"), "-there are too many locks");
  assertEquals(ask(actions, "lock bad/room"), '-"bad/room" is no room');
  assertEquals(ask(actions, "unlock OTHER"), "-OTHER was not locked");
  assertEquals(ask(actions, "unlock party.aB-_"), "+PARTY.aB-_ is not locked any more");
  assert(ask(actions, "drain").startsWith("+nobody new"));
  assertEquals(actions.done, [
    'kick PARTY 1 {"forMs":3600000}',
    'kick PARTY 2 {"forMs":3600000}',
    "lock PARTY.aB-_",
    "lock OTHER",
    "drain",
  ]);
});

Deno.test("a room is closed by code or id, and it is said how many were in it", () => {
  const actions = new Actions();
  const answers = [
    "close party --reason=over",
    "close party.aB-_",
    "close OTHER",
    "close",
    "close PARTY 1",
    "close PARTY --for=1h",
  ].map((line) => ask(actions, line).replace(/^-expected .*/, "-usage"));
  assertEquals(answers, [
    "+PARTY is closed: 2 have been sent away",
    "+PARTY.aB-_ is closed: 1 has been sent away",
    "-there is no room OTHER",
    ...["-usage", "-usage", "-usage"],
  ]);
  assertEquals(actions.done, ["close PARTY over", "close PARTY.aB-_", "close OTHER"]);
});

Deno.test("who is kicked stays away as long as is said, and a peer can be banned", () => {
  const actions = new Actions();
  const answers = [
    "kick party 1 --for=2h --reason=x",
    "kick PARTY 1 --for=0",
    "kick PARTY 3",
    "ban PARTY 1",
    "ban PARTY 1 --for=7d",
    "ban PARTY 1 --room=PARTY",
    "kick PARTY 1 --for=1y",
    "kick PARTY 1 --room=PARTY",
  ].map((line) => ask(actions, line).replace(/^-expected .*/, "-usage"));
  assertEquals(answers, [
    "+peer 1 is out of PARTY for 2 hours",
    "+peer 1 is out of PARTY",
    "+peer 3 is out of PARTY, but may come back: there are too many bans",
    "+peer 1 is out of PARTY",
    "+peer 1 is out of PARTY for 7 days",
    "---room is for a MAC, an address or a token",
    '-"1y" is no time: say 90s, 15m, 1h or 7d',
    "-usage",
  ]);
  assertEquals(actions.done, [
    'kick PARTY 1 {"forMs":7200000,"reason":"x"}',
    'kick PARTY 1 {"forMs":0}',
    'kick PARTY 3 {"forMs":3600000}',
    "kick PARTY 1 {}",
    'kick PARTY 1 {"forMs":604800000}',
  ]);
});

Deno.test("bans are made by MAC, address or token, of a room or the relay, in one form each", () => {
  const actions = new Actions();
  const answers = [
    "ban 02:00:00:00:00:AB",
    "ban 192.0.2.7 --room=party.abcdefgh --for=30m",
    "ban 2001:0DB8:0:1:2:3:4:5 --reason=x",
    "ban 2001:db8:0:1::/64",
    "ban token:abcd_-12",
    "ban 192.0.2.99",
    "ban 192.0.2.7 --for=0",
    "ban 192.0.2.7/24",
    "ban ff:ff:ff:ff:ff:ff",
    "ban token:short",
    "ban Ann",
    "ban 192.0.2.7 --room=no/room",
  ].map((line) => ask(actions, line));
  const wrong = (text: string) =>
    `-"${text}" is no MAC, no address and no token:NAME, and no PEER follows it`;
  assertEquals(answers, [
    "+02:00:00:00:00:ab is kept out of this relay",
    "+192.0.2.7 is kept out of PARTY.abcdefgh for 30 minutes",
    "+2001:db8:0:1::/64 is kept out of this relay",
    "+2001:db8:0:1::/64 is kept out of this relay",
    "+token:abcd_-12 is kept out of this relay",
    "-there are too many bans: take some back (bans lists them)",
    "-a ban of no length is none",
    ...["192.0.2.7/24", "ff:ff:ff:ff:ff:ff", "token:short", "Ann"].map(wrong),
    '-"no/room" is no room',
  ]);
  assertEquals(actions.done[1], 'ban 192.0.2.7 {"room":"PARTY.abcdefgh","forMs":1800000}');
  assertEquals(actions.done.length, 6);
});

Deno.test("bans are listed, and taken back by their names or by what they look for", () => {
  const actions = new Actions();
  assertEquals(ask(actions, "bans").split("\n"), [
    "+BAN         ROOM            BY        LEFT        WHO                          NAME  REASON",
    "00000000aa  all             operator  2 hours     192.0.2.7                          cheats",
    "00000000bb  PARTY.abcdefgh  host      90 seconds  02:00:00:00:00:52 192.0.2.7  Bob",
    "00000000cc  PARTY-2         operator  for good    2001:db8:0:1::/64",
  ]);
  const answers = [
    "unban 00000000cc",
    "unban 192.0.2.7",
    "unban 192.0.2.7 --room=PARTY",
    "unban 2001:db8:0:1:ffff::9",
    "unban 192.0.2.7 --room=PARTY-2",
    "unban 02:00:00:00:00:52 --room=PARTY.abcdefgh",
    "unban 02:00:00:00:00:53",
  ].map((line) => ask(actions, line));
  assertEquals(answers, [
    "+2001:db8:0:1::/64 may come again",
    "+192.0.2.7 02:00:00:00:00:52 192.0.2.7 may come again",
    "+02:00:00:00:00:52 192.0.2.7 may come again",
    "+2001:db8:0:1::/64 may come again",
    "-there is no ban of 192.0.2.7 in PARTY-2",
    "+02:00:00:00:00:52 192.0.2.7 may come again",
    "-there is no ban of 02:00:00:00:00:53",
  ]);
  assertEquals(actions.done, [
    "unban 00000000cc",
    "unban 00000000aa,00000000bb",
    "unban 00000000bb",
    "unban 00000000cc",
    "unban 00000000bb",
  ]);
});

Deno.test("anything else does nothing and names what there is", () => {
  const actions = new Actions();
  for (
    const line of [
      "",
      "toString",
      "rooms x",
      "bans x",
      "ban",
      "unban",
      "lock A --for=1h",
      "kick PARTY",
      "drain now",
      "peers",
      "Rooms",
    ]
  ) {
    assertStringIncludes(ask(actions, line), "-expected rooms | peers ROOM");
  }
  assertEquals(actions.done, []);
});

Deno.test("a question is a JSON array of words, and any text gets an answer or none", () => {
  assertEquals(parseQuestion('["kick","A","1"]'), ["kick", "A", "1"]);
  for (const line of ["", "rooms", '"rooms"', "[1]", "{}", "null", '["a"', "[[]]"]) {
    assertEquals(parseQuestion(line), undefined, line);
  }
  const words = fc.array(
    fc.oneof(fc.string(), fc.constantFrom("rooms", "kick", "lock", "close", "1", "drain")),
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.json(), words.map((all) => JSON.stringify(all))),
      (line) => {
        const question = parseQuestion(line);
        if (question !== undefined) assert(answerQuestion(question, new Actions()).text.length > 0);
      },
    ),
  );
});
