/**
 * Two rooms on one relay, each with a LAN, and what players of one room have to do with each other.
 *
 * ```text
 *   lan            gateway             relay                 alice (room ONE)
 *  ┌─────────┐    ┌────────────┐      ┌─────────────────┐   ┌──────────────────┐
 *  │ station ┼eth0┼ lan0  wan0 ┼──────┼─ gw0       pl0 ─┼───┼─ wan0   lanparty0│
 *  └─────────┘    └────────────┘ ONE  │                 │   └──────────────────┘
 *   lan2           gateway2           │            pl1 ─┼─── bob   (room ONE)
 *  ┌─────────┐    ┌────────────┐      │            pl2 ─┼─── carol (room TWO)
 *  │ station ┼eth0┼ lan0  wan0 ┼──────┼─ gw1       pl3 ─┼─── dave  (room TWO)
 *  └─────────┘    └────────────┘ TWO  └─────────────────┘
 * ```
 *
 * A station captures at each LAN and each adapter.
 */
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { FrameLogReader } from "../../support/frame_log.ts";
import { FrameStation } from "../../support/frame_station.ts";
import { BROADCAST_MAC, ethernet, pattern, toHex } from "../../../tools/lab/frames.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest, type Step } from "../../support/play.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

/** An EtherType for experiments (IEEE 802): nothing in a system answers to it. */
const TEST_TYPE = 0x88b6;
const UNKNOWN_MAC = "52:54:00:00:99:99";
const ARRIVAL_TIMEOUT_MS = 3_000;
/** What is not to come would have come in this time. */
const QUIET_MS = 400;
const ATTEMPTS_MAX = 3;

const PLAYERS = {
  alice: { room: "ONE", mac: "02:00:00:00:00:0a" },
  bob: { room: "ONE", mac: "02:00:00:00:00:0b" },
  carol: { room: "TWO", mac: "02:00:00:00:00:0c" },
  dave: { room: "TWO", mac: "02:00:00:00:00:0d" },
} as const;
const LANS = {
  lan: { room: "ONE", mac: "52:54:00:00:00:01" },
  lan2: { room: "TWO", mac: "52:54:00:00:00:02" },
} as const;
const PLACES = { ...PLAYERS, ...LANS };
type Place = keyof typeof PLACES;
type PlayerName = keyof typeof PLAYERS;

type Stations = ReadonlyMap<Place, FrameStation>;

/** Makes the second LAN with its gateway's namespace. */
async function addSecondLan(party: Party): Promise<void> {
  const lan = await party.lab.namespace("lan2");
  const gateway = await party.lab.namespace("gateway2");
  await party.lab.veth(
    { namespace: lan, name: PARTY.lanInterface, addresses: ["10.78.0.1/24"] },
    { namespace: gateway, name: PARTY.gatewayInterface },
  );
  await party.lab.veth(
    { namespace: gateway, name: "wan0", addresses: ["10.90.0.2/24"] },
    { namespace: party.relay, name: "gw1", addresses: ["10.90.0.1/24"] },
  );
}

/** Starts everything and opens the stations. */
async function openRooms(party: Party): Promise<Stations> {
  await addSecondLan(party);
  await party.startRelay("--frame-log", party.frameLogFile("relay"));
  await party.startGateway("--room", "ONE");
  const second = party.lab.get("gateway2").spawn(party.gatewayCommand(
    ...["--room", "TWO", "--relay", "10.90.0.1:443", "--state-dir", party.stateDir("gateway2")],
  ));
  await second.waitForLine(/Joined the room TWO/);
  const stations = new Map<Place, FrameStation>();
  for (const [name, { room, mac }] of Object.entries(PLAYERS)) {
    const player = await party.addPlayer(name);
    await party.startClient(player, "--room", room, "--virtual-mac", mac, "--no-dhcp");
  }
  await Promise.all((Object.keys(PLACES) as Place[]).map(async (place) => {
    const name = place in LANS ? PARTY.lanInterface : PARTY.tap;
    stations.set(place, await FrameStation.open(party.lab.get(place), name));
  }));
  return stations;
}

function frameTo(destination: string, from: Place, lengthBytes: number): Uint8Array<ArrayBuffer> {
  return ethernet({
    destination,
    source: PLACES[from].mac,
    type: TEST_TYPE,
    payload: pattern(lengthBytes - 14),
  });
}

function placesThatSaw(stations: Stations, frame: Uint8Array): Place[] {
  const hex = toHex(frame);
  return [...stations].filter(([, { frames }]) => frames.some((seen) => seen.hex === hex))
    .map(([place]) => place).sort();
}

/** Sends a frame and checks who sees it: these places, and no other. */
async function assertSeen(
  stations: Stations,
  from: Place,
  frame: Uint8Array,
  expected: readonly Place[],
): Promise<void> {
  const wanted = [...expected].sort();
  let sent = 0;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    await stations.get(from)!.send(frame);
    sent++;
    const complete = await eventually(
      "all have seen the frame",
      () => placesThatSaw(stations, frame).length >= wanted.length,
      ARRIVAL_TIMEOUT_MS,
    ).then(() => true, () => false);
    if (complete) break;
  }
  await pause(QUIET_MS);
  assertEquals(placesThatSaw(stations, frame), wanted);
  for (const place of wanted) {
    const copies = stations.get(place)!.frames.filter((seen) => seen.hex === toHex(frame)).length;
    assertLessOrEqual(copies, sent, `${place} sees no frame twice`);
  }
}

partyTest("rooms: nothing of one room is seen in the other", async (party, step) => {
  const stations = await openRooms(party);
  let lengthBytes = 300;
  const senders: [Place, Place[]][] = [
    ["alice", ["bob", "lan"]],
    ["carol", ["dave", "lan2"]],
    ["lan", ["alice", "bob"]],
    ["lan2", ["carol", "dave"]],
  ];
  for (const [from, others] of senders) {
    await step(`a broadcast of ${from} reaches its room alone`, async () => {
      await assertSeen(stations, from, frameTo(BROADCAST_MAC, from, ++lengthBytes), others);
    });
    await step(`a multicast of ${from} reaches its room alone`, async () => {
      await assertSeen(stations, from, frameTo("33:33:00:00:00:16", from, ++lengthBytes), others);
    });
  }
  await step("a player of the other room is a stranger", async () => {
    const toCarol = frameTo(PLAYERS.carol.mac, "alice", ++lengthBytes);
    await assertSeen(stations, "alice", toCarol, ["lan"]);
    const toAlice = frameTo(PLAYERS.alice.mac, "carol", ++lengthBytes);
    await assertSeen(stations, "carol", toAlice, ["lan2"]);
    await assertSeen(stations, "lan", frameTo(PLAYERS.carol.mac, "lan", ++lengthBytes), []);
  });
  await playersOfOneRoom(stations, step);
  await step("what the systems say by themselves stays in its room, too", () => {
    assertStrangers(stations);
    assertLoggedApart(party);
  });
});

async function playersOfOneRoom(stations: Stations, step: Step): Promise<void> {
  let lengthBytes = 600;
  await step("two players see each other, and nobody else what is between them", async () => {
    const toBob = frameTo(PLAYERS.bob.mac, "alice", ++lengthBytes);
    await assertSeen(stations, "alice", toBob, ["bob"]);
    const toAlice = frameTo(PLAYERS.alice.mac, "bob", ++lengthBytes);
    await assertSeen(stations, "bob", toAlice, ["alice"]);
  });
  await step("unknown unicast of a player reaches the LAN, not the other player", async () => {
    await assertSeen(stations, "alice", frameTo(UNKNOWN_MAC, "alice", ++lengthBytes), ["lan"]);
    await assertSeen(stations, "dave", frameTo(UNKNOWN_MAC, "dave", ++lengthBytes), ["lan2"]);
  });
  await step("unicast of the LAN reaches the player it is for", async () => {
    await assertSeen(stations, "lan", frameTo(PLAYERS.bob.mac, "lan", ++lengthBytes), ["bob"]);
    await assertSeen(stations, "lan", frameTo(UNKNOWN_MAC, "lan", ++lengthBytes), []);
  });
  await step("a frame to oneself comes back from nowhere", async () => {
    await assertSeen(stations, "alice", frameTo(PLAYERS.alice.mac, "alice", ++lengthBytes), []);
  });
}

/** No place has seen any frame of a source that belongs into the other room. */
function assertStrangers(stations: Stations): void {
  for (const [place, { frames }] of stations) {
    const { room } = PLACES[place];
    const strangers = Object.values(PLACES).filter((other) => other.room !== room)
      .map(({ mac }) => mac as string);
    const seen = frames.filter((frame) => strangers.includes(frame.source));
    assertEquals(seen.map((frame) => frame.hex), [], `${place} is in room ${room}`);
  }
}

/** The relay's log names each player's frames under its own room. */
function assertLoggedApart(party: Party): void {
  const rooms = new Map<string, string>(
    (Object.keys(PLAYERS) as PlayerName[]).map((name) => [PLAYERS[name].mac, PLAYERS[name].room]),
  );
  const records = new FrameLogReader(party.frameLogFile("relay")).records();
  const wrong = records.filter(({ sourceMac, room }) => (rooms.get(sourceMac) ?? room) !== room);
  assertEquals(wrong, []);
  assertEquals(new Set(records.map(({ room }) => room)), new Set(["ONE", "TWO"]));
}
