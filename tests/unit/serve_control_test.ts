import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as fc from "fast-check";
import { answerQuestion, type ControlActions, parseQuestion } from "../../src/serve/control.ts";
import { makeView, VIEW_UNIX_MS } from "./serve_view.ts";

/** Writes down what is done; peer 1 is in PARTY, and one lock fits. */
class Actions implements ControlActions {
  readonly unixMs = VIEW_UNIX_MS;
  readonly done: string[] = [];
  private readonly locks = new Set<string>();

  rooms() {
    return makeView().rooms;
  }

  kick(room: string, peerId: number): boolean {
    this.done.push(`kick ${room} ${peerId}`);
    return room === "PARTY" && peerId === 1;
  }

  lock(room: string): boolean {
    this.done.push(`lock ${room}`);
    return this.locks.size < 1 && this.locks.add(room).size === 1;
  }

  unlock(room: string): boolean {
    return this.locks.delete(room);
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
    "+peer 1 is out of PARTY",
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
    "kick PARTY 1",
    "kick PARTY 2",
    "lock PARTY.aB-_",
    "lock OTHER",
    "drain",
  ]);
});

Deno.test("anything else does nothing and names what there is", () => {
  const actions = new Actions();
  for (const line of ["", "toString", "rooms x", "kick PARTY", "drain now", "peers", "Rooms"]) {
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
    fc.oneof(fc.string(), fc.constantFrom("rooms", "kick", "lock", "1", "drain")),
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
