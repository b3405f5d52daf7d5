import { assert, assertEquals } from "@std/assert";
import { TOKEN_LENGTH_MAX, TOKENS_MAX, TokenStore } from "../../../src/endpoint/token_store.ts";

const alice = { relay: "relay.example.org:443", room: "LAN", peer: "02:00:00:00:00:51" };

Deno.test("a token is kept per relay, room and identity", () => {
  const store = new TokenStore();
  assert(store.set(alice, "a"));
  assert(store.set({ ...alice, room: "LAN-2" }, "b"));
  assert(store.set({ ...alice, relay: "other.example.org:443" }, "c"));
  assert(store.set({ ...alice, peer: "gateway" }, "d"));
  assertEquals(store.get(alice), "a");
  assertEquals(store.get({ ...alice, room: "LAN-2" }), "b");
  assertEquals(store.get({ ...alice, relay: "other.example.org:443" }), "c");
  assertEquals(store.get({ ...alice, peer: "gateway" }), "d");
  assertEquals(store.get({ ...alice, peer: "02:00:00:00:00:52" }), undefined);
  assertEquals(store.size, 4);
});

Deno.test("a relay's name is the same in either case", () => {
  const store = new TokenStore();
  store.set({ ...alice, relay: "Relay.Example.org:443" }, "a");
  assertEquals(store.get(alice), "a");
  assertEquals(store.set(alice, "b"), true);
  assertEquals(store.size, 1);
});

Deno.test("the newest token takes the place of the earlier one", () => {
  const store = new TokenStore();
  assertEquals(store.set(alice, "a"), true);
  assertEquals(store.set(alice, "a"), false);
  assertEquals(store.set(alice, "b"), true);
  assertEquals(store.get(alice), "b");
  assertEquals(store.delete(alice), true);
  assertEquals(store.delete(alice), false);
  assertEquals(store.get(alice), undefined);
});

Deno.test("what is written can be read again, in the documented form", () => {
  const store = new TokenStore();
  store.set(alice, "a");
  assertEquals(JSON.parse(store.format()), {
    version: 1,
    tokens: [{ ...alice, token: "a" }],
  });
  assertEquals(store.format().endsWith("}\n"), true);
  assertEquals(TokenStore.parse(store.format()).get(alice), "a");
});

Deno.test("the store is bounded, and the oldest token gives way", () => {
  const store = new TokenStore();
  for (let room = 0; room <= TOKENS_MAX; room++) store.set({ ...alice, room: `R${room}` }, "t");
  assertEquals(store.size, TOKENS_MAX);
  assertEquals(store.get({ ...alice, room: "R0" }), undefined);
  assertEquals(store.get({ ...alice, room: "R1" }), "t");
});

Deno.test("a token that is empty or too long is not kept", () => {
  const store = new TokenStore();
  assertEquals(store.set(alice, ""), false);
  assertEquals(store.set(alice, "x".repeat(TOKEN_LENGTH_MAX + 1)), false);
  assertEquals(store.set(alice, "x".repeat(TOKEN_LENGTH_MAX)), true);
});

Deno.test("what cannot be read in a file is left out, the rest is used", () => {
  for (const text of ["", "nonsense", "null", "[]", "{}", '{"version":2,"tokens":[]}']) {
    assertEquals(TokenStore.parse(text).size, 0, text);
  }
  const entries = [null, 7, { ...alice }, { ...alice, token: 5 }, { ...alice, token: "good" }];
  const store = TokenStore.parse(JSON.stringify({ version: 1, tokens: entries }));
  assertEquals(store.size, 1);
  assertEquals(store.get(alice), "good");
});

Deno.test("a file with too many tokens keeps its newest ones", () => {
  const tokens = Array.from({ length: 500 }, (_, n) => ({ ...alice, room: `R${n}`, token: "t" }));
  const store = TokenStore.parse(JSON.stringify({ version: 1, tokens }));
  assertEquals(store.size, TOKENS_MAX);
  assertEquals(store.get({ ...alice, room: "R499" }), "t");
  assertEquals(store.get({ ...alice, room: "R0" }), undefined);
});
