/** Who decides how large a party's packets are: its gateway's path, whoever comes first. */
import { assert, assertEquals } from "@std/assert";
import { LocalDirectory } from "../../src/relay/directory.ts";
import type { RelayOptions } from "../../src/relay/limits.ts";
import { ownerOfRoom, WorkerDirectory } from "../../src/relay/workers/directory.ts";
import { sha256 } from "../../src/trust/sha256.ts";
import { Path } from "./network.ts";
import type { SimEndpoint } from "./sim_endpoint.ts";
import { A, B, RELAY, Story } from "./story.ts";
import { plainFrame } from "./traffic.ts";

const LAN = "00:1b:21:00:00:01";
const MINUTE_MS = 60_000;
/** An endpoint of before `room-mtu`. */
const OLD = { features: ["removal"] };

function path(bytes: number): Path {
  const way = new Path();
  way.upBytes = way.downBytes = bytes;
  return way;
}

/** From now on a path carries so much. */
function setWidth(story: Story, way: Path, bytes: number): void {
  way.upBytes = way.downBytes = bytes;
  for (const connection of story.connectionsOn(way)) connection.pathWidthChanged();
}

function joined(story: Story, ...programs: SimEndpoint[]): void {
  story.until("joining", () => programs.every(({ isJoined }) => isJoined), 3_000);
}

/** Frames of all sizes that a LAN or a player may send arrive, whatever anybody's MTU. */
function checkFrames(story: Story, gateway: SimEndpoint, ann: SimEndpoint, bob: SimEndpoint): void {
  for (const length of [60, 1_294, 1_414, 1_514, 1_522]) {
    assertEquals(story.say(ann, plainFrame(B, A, length)), ["Bob"], `${length} from Ann`);
    assertEquals(story.say(ann, plainFrame(LAN, A, length)), ["gateway"], `${length} to the LAN`);
    assertEquals(story.say(gateway, plainFrame(A, LAN, length)), ["Ann"], `${length} from the LAN`);
    assertEquals(story.say(gateway, plainFrame(B, LAN, length)), ["Bob"], `${length} from the LAN`);
  }
  assert(bob.isJoined);
}

//= PROTOCOL.md 10
//# Nearly all frames are between a player and the LAN, so all pass the gateway's path: what it
//# carries decides, and who comes first does not.
//= PROTOCOL.md 10
//# The frames of a player with a narrower path are split on it, as they are by who sends them;
//# nobody else has less for it.
Deno.test("sim: a narrow player who opens the room narrows it for nobody", () => {
  const story = new Story();
  story.addRelay(RELAY);
  const ann = story.start("Ann", A, { way: path(1_318) });
  joined(story, ann);
  const bob = story.start("Bob", B);
  const gateway = story.start("gateway", undefined);
  joined(story, gateway, bob);
  story.pass(2 * MINUTE_MS);
  assertEquals([ann, bob].map(({ adapterMtu }) => adapterMtu), [1_400, 1_400]);
  checkFrames(story, gateway, ann, bob);
});

Deno.test("sim: a room that a busy gateway opened low rises in a second, at once for who understands it", () => {
  const story = new Story();
  const relay = story.addRelay(RELAY);
  const way = path(1_250);
  const gateway = story.start("gateway", undefined, { way });
  joined(story, gateway);
  const ann = story.start("Ann", A);
  const bob = story.start("Bob", B, OLD);
  joined(story, ann, bob);
  assertEquals([ann, bob].map(({ adapterMtu }) => adapterMtu), [1_280, 1_280]);
  setWidth(story, way, 1_450);
  const tookMs = story.until("the rise", () => ann.adapterMtu === 1_400, 3_000);
  assert(tookMs <= 1_100, `${tookMs} ms`);
  assertEquals(relay.core!.rooms()[0].tapMtu, 1_400);
  assertEquals([gateway.session.room.tapMtu, bob.adapterMtu], [1_400, 1_280]);
  checkFrames(story, gateway, ann, bob);
  // Who does not know of it has it when he comes again.
  story.breakPath(bob.way, 20_000);
  story.until("another session", () => bob.adapterMtu === 1_400, MINUTE_MS);
  joined(story, bob);
  checkFrames(story, gateway, ann, bob);
});

Deno.test("sim: a gateway that comes back narrow for a moment lowers nothing, one that stays so does", () => {
  const story = new Story();
  story.addRelay(RELAY);
  const gateway = story.start("gateway", undefined);
  const [ann, bob] = [story.start("Ann", A), story.start("Bob", B, OLD)];
  joined(story, gateway, ann, bob);
  gateway.way.upBytes = gateway.way.downBytes = 1_318;
  story.breakPath(gateway.way, 16_000);
  story.until("its end", () => !gateway.isJoined, 20_000);
  story.until("its return", () => gateway.isJoined, MINUTE_MS);
  checkFrames(story, gateway, ann, bob);
  assertEquals([ann, bob].map(({ adapterMtu }) => adapterMtu), [1_400, 1_400]);
  setWidth(story, gateway.way, 1_450);
  story.pass(3 * MINUTE_MS);
  assertEquals([ann, bob].map(({ adapterMtu }) => adapterMtu), [1_400, 1_400]);
  setWidth(story, gateway.way, 1_318);
  story.pass(MINUTE_MS + 2_000);
  assertEquals([ann, bob].map(({ adapterMtu }) => adapterMtu), [1_300, 1_400]);
  checkFrames(story, gateway, ann, bob);
});

Deno.test("sim: where a LAN's own 1500 is allowed, everybody has it, and frames are split where they must be", () => {
  const story = new Story();
  story.addRelay(RELAY, { maxTapMtu: 1_500 });
  const gateway = story.start("gateway", undefined, { way: path(1_250) });
  const [ann, bob] = [story.start("Ann", A, { way: path(700) }), story.start("Bob", B, OLD)];
  joined(story, gateway, ann, bob);
  assertEquals([ann, bob].map(({ adapterMtu }) => adapterMtu), [1_500, 1_500]);
  checkFrames(story, gateway, ann, bob);
});

Deno.test("sim: with several workers a room's MTU is its gateway's, whichever port they come to", () => {
  const ports = [[443], [444]];
  const options = (worker: number): Partial<RelayOptions> => ({
    directory: new WorkerDirectory({
      ...{ worker, ports, sha256, elsewhere: new LocalDirectory() },
      fingerprint: () => "A".repeat(43),
    }),
  });
  for (const owner of [0, 1]) {
    const room = ["ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT"]
      .find((name) => ownerOfRoom(name, 2, sha256) === owner);
    assert(room !== undefined);
    const story = new Story();
    const workers = [
      story.addRelay(RELAY, options(0)),
      story.addRelay("localhost:444", options(1)),
    ];
    const [way, narrow] = [path(1_250), path(1_318)];
    const ann = story.start("Ann", A, { room, way: narrow });
    const gateway = story.start("gateway", undefined, { room, way });
    const bob = story.start("Bob", B, { room });
    joined(story, ann, gateway, bob);
    const rooms = workers.map((relay) => relay.core!.rooms());
    assertEquals(rooms.map(({ length }) => length), owner === 0 ? [1, 0] : [0, 1]);
    story.pass(MINUTE_MS + 2_000);
    assertEquals([ann, bob].map(({ adapterMtu }) => adapterMtu), [1_280, 1_280]);
    setWidth(story, way, 1_450);
    story.pass(2_000);
    assertEquals([ann, bob].map(({ adapterMtu }) => adapterMtu), [1_400, 1_400]);
    checkFrames(story, gateway, ann, bob);
  }
});
