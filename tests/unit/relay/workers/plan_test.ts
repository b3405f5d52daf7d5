import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { parseListen } from "../../../../src/control/address.ts";
import { LocalDirectory } from "../../../../src/relay/directory.ts";
import { formatListen, planWorkers } from "../../../../src/relay/workers/plan.ts";
import { ownerOfRoom, WorkerDirectory } from "../../../../src/relay/workers/directory.ts";
import { isLocalHost } from "../../../../src/proto/ip_blocks.ts";
import { redirectHost } from "../../../../src/relay/workers/redirect_host.ts";
import { sha256 } from "../../../../src/trust/sha256.ts";
import { RelayHarness } from "../harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const PIN = "A".repeat(43);
const ROOMS = Array.from({ length: 4_000 }, (_, i) => `ROOM-${i}.${i * 7919}`);

Deno.test("reactors: each room has one owner, and each owner its share of the rooms", () => {
  for (const workers of [2, 3, 8]) {
    const counts = new Array(workers).fill(0);
    for (const room of ROOMS) counts[ownerOfRoom(room, workers, sha256)]++;
    for (const count of counts) {
      assertGreater(count, ROOMS.length / workers * 0.8);
      assertLess(count, ROOMS.length / workers * 1.2);
    }
  }
  assertEquals(ownerOfRoom("ANY", 1, sha256), 0);
});

Deno.test("reactors: one more takes its share, and no other room moves", () => {
  let moved = 0;
  for (const room of ROOMS) {
    const [before, after] = [3, 4].map((workers) => ownerOfRoom(room, workers, sha256));
    if (before === after) continue;
    assertEquals(after, 3);
    moved++;
  }
  assertLess(Math.abs(moved - ROOMS.length / 4), ROOMS.length / 20);
});

Deno.test("reactors: a room's owner stays the same from version to version", () => {
  const rooms = ["PARTY", "PARTY.abcdefgh", "LAN-42", "A"];
  assertEquals(rooms.map((room) => ownerOfRoom(room, 4, sha256)), [2, 2, 0, 1]);
});

/** The directory of one of two workers with two listeners. */
function directoryOf(worker: number): WorkerDirectory {
  return new WorkerDirectory({
    worker,
    ports: [[443, 4430], [444, 4440]],
    elsewhere: new LocalDirectory([["FAR", { relay: "far.example:443" }]]),
    sha256,
    fingerprint: () => PIN,
  });
}

Deno.test("reactors: exactly one has a room here, and the other names its port, pin and name", () => {
  const arrival = { listener: 1, host: "2001:db8::1", serverName: "relay.example" };
  for (const room of ROOMS.slice(0, 100)) {
    const owner = ownerOfRoom(room, 2, sha256);
    assertEquals(directoryOf(owner).where("ROOM", room, arrival), "here");
    assertEquals(directoryOf(1 - owner).where("ROOM", room, arrival), {
      relay: `[2001:db8::1]:${owner === 0 ? 4430 : 4440}`,
      serverName: "relay.example",
      fingerprint: PIN,
    });
  }
  for (const worker of [0, 1]) {
    const { where } = directoryOf(worker);
    const far = where.call(directoryOf(worker), "FAR", "FAR", { listener: 0, host: "192.0.2.1" });
    assertEquals(far, { relay: "far.example:443" });
  }
});

Deno.test("reactors: the wrong one sends on before its own limits, its locks and its draining count", () => {
  const arrival = { listener: 0, host: "192.0.2.1" };
  const name = (owner: number) =>
    ROOMS.map((room) => room.split(".")[0])
      .find((room) => ownerOfRoom(room, 2, sha256) === owner)!;
  const relay = new RelayHarness({ directory: directoryOf(0), peersMax: 1, peersPerAddressMax: 1 });
  relay.client(A, { room: name(0) });
  relay.core.admin.lock(name(1));
  relay.core.drain();
  const hello = { room: name(1), mac: B };
  const sent = relay.connect({ arrival }).hello(hello).last("redirect");
  assertEquals([sent.relay, sent.fingerprint], ["192.0.2.1:444", PIN]);
  assertEquals(relay.core.tallies.redirects, 1);
  const refused = relay.connect({ arrival }).hello({ room: name(0), mac: B }).last("reject");
  assertEquals(refused.code, "rate-limited");
});

Deno.test("reactors: an endpoint is sent to the address that it has come to, where that means something to it", () => {
  const cases: [Parameters<typeof redirectHost>[0], ReturnType<typeof redirectHost>][] = [
    // A public address is right, and better than a name that may have several.
    [path("203.0.113.1", "198.51.100.7", "relay.example"), {
      host: "203.0.113.1",
      guessed: false,
      serverName: "relay.example",
    }],
    [path("2001:db8::1", "2001:db8::7", ""), { host: "2001:db8::1", guessed: false }],
    // Both inside.
    [path("192.168.1.2", "192.168.1.7", ""), { host: "192.168.1.2", guessed: false }],
    [path("::1", "::1", "localhost"), { host: "::1", guessed: false, serverName: "localhost" }],
    // Behind a translator only the name is known outside.
    [path("10.0.0.5", "198.51.100.7", "Relay.Example."), {
      host: "relay.example",
      guessed: false,
      serverName: "relay.example",
    }],
    [path("10.0.0.5", "198.51.100.7", "203.0.113.1"), {
      host: "203.0.113.1",
      guessed: false,
      serverName: "203.0.113.1",
    }],
    [path("10.0.0.5", "198.51.100.7", ""), { host: "10.0.0.5", guessed: true }],
    [path("fe80::1", "fe80::7", "relay.local"), {
      host: "relay.local",
      guessed: false,
      serverName: "relay.local",
    }],
    // What is no name is not repeated.
    [path("10.0.0.5", "198.51.100.7", "a b\n"), { host: "10.0.0.5", guessed: true }],
    [path("10.0.0.5", "198.51.100.7", "evil:1"), { host: "10.0.0.5", guessed: true }],
  ];
  for (const [given, expected] of cases) {
    assertEquals(redirectHost(given), expected, JSON.stringify(given));
    const said = redirectHost({ ...given, publicHost: "public.example" });
    assertEquals([said.host, said.guessed], ["public.example", false]);
  }
});

function path(localHost: string, remoteHost: string, serverName: string) {
  return { publicHost: undefined, localHost, remoteHost, serverName };
}

Deno.test("reactors: private addresses are told from public ones", () => {
  const near = ["10.1.2.3", "127.0.0.1", "172.16.0.1", "172.31.9.9", "192.168.0.1", "169.254.1.1"];
  near.push("100.64.0.1", "100.127.0.1", "::1", "fd00::1", "fc12::1", "fe80::1", "febf::1");
  const far = ["9.9.9.9", "172.15.0.1", "172.32.0.1", "192.167.0.1", "100.63.0.1", "100.128.0.1"];
  far.push("2001:db8::1", "2a00::1", "::2", "fec0::1");
  assertEquals(near.filter((address) => !isLocalHost(address)), []);
  assertEquals(far.filter(isLocalHost), []);
});

/** The plan's listeners, or what is wrong. */
function plan(listen: string[], workers: number, ...ports: number[]): unknown {
  const found = planWorkers({ listen: listen.map((text) => parseListen(text)!), workers, ports });
  return found.ok ? found.listen.map((own) => own.map(formatListen)) : found.message;
}

Deno.test("reactors: each listens where the first does, on the ports above or on those that are named", () => {
  assertEquals(plan(["443/udp"], 1), [["443/udp"]]);
  assertEquals(plan(["443"], 3), [["443/udp"], ["444/udp"], ["445/udp"]]);
  assertEquals(plan(["192.0.2.1:443", "[2001:db8::1]:4433"], 2), [
    ["192.0.2.1:443", "[2001:db8::1]:4433"],
    ["192.0.2.1:444", "[2001:db8::1]:4434"],
  ]);
  assertEquals(plan(["0.0.0.0:443", "[::]:443"], 2, 8443), [
    ["0.0.0.0:443", "[::]:443"],
    ["0.0.0.0:8443", "[::]:8443"],
  ]);
  assertEquals(plan(["127.0.0.1:0"], 2), [["127.0.0.1:0"], ["127.0.0.1:0"]]);
});

Deno.test("reactors: ports that cannot be are named", () => {
  const wrong = (text: unknown, part: string) => {
    assert(typeof text === "string", JSON.stringify(text));
    assertStringIncludes(text, part);
  };
  wrong(plan(["443"], 3, 444), "needs 2 ports, not 1");
  wrong(plan(["443"], 2, 444, 445), "needs 1 port, not 2");
  wrong(plan(["443"], 1, 444), "needs 0 ports, not 1");
  wrong(plan(["65534"], 3), "not so many ports");
  wrong(plan(["443"], 2, 443), "two reactors would listen on 443/udp");
  wrong(plan(["443"], 3, 500, 500), "two reactors would listen on 500/udp");
  wrong(plan(["443", "127.0.0.1:444"], 2), "two reactors would listen on 127.0.0.1:444");
  wrong(plan(["0.0.0.0:443", "192.0.2.1:444"], 2), "two reactors would listen on 192.0.2.1:444");
  assert(Array.isArray(plan(["192.0.2.1:443", "192.0.2.2:444", "[::]:444"], 2)));
});
