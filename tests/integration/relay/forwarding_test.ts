/** Deno's own QUIC against the compiled relay: which frame goes where, whole and in pieces. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { readDatagram, splitFrame, writeDatagram } from "../../support/deno_codec.ts";
import { CloseCode, DenoEndpoint, type HelloFields } from "../../support/deno_endpoint.ts";
import { BROADCAST_MAC, ethernet, macAt, pattern, u16 } from "../../../tools/lab/frames.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { VECTORS } from "../../vectors/proto_vectors.ts";
import { pause } from "../../../tools/lab/wait.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const MAC_C = "02:00:00:00:00:0c";
const MAC_LAN = "00:11:22:33:44:55";
const MULTICAST_MAC = "01:00:5e:00:00:fb";
const TYPE = 0x88b6;

/** A frame with a number that tells it from others; `bytes` is its whole length. */
function frameOf(destination: string, source: string, number: number, bytes = 60): Uint8Array {
  const payload = pattern(bytes - 14);
  payload.set(u16(number).subarray(0, payload.length));
  return ethernet({ destination, source, type: TYPE, payload, lengthMin: 0 });
}

async function joined(relay: RelayProcess, hello: HelloFields): Promise<DenoEndpoint> {
  const endpoint = await DenoEndpoint.connect(relay.address);
  await endpoint.join(hello);
  return endpoint;
}

/** Waits until an endpoint has so many frames, and shortly for one too many; takes them. */
async function framesOf(endpoint: DenoEndpoint, count: number) {
  const frames = [];
  while (frames.length < count) frames.push(await endpoint.frame());
  await pause(100);
  return [...frames, ...endpoint.takeFrames()];
}

Deno.test("each frame goes to whom it is for, with the sender's id, and to nobody else", async () => {
  await using relay = await RelayProcess.start();
  await using a = await joined(relay, { room: "A", mac: MAC_A });
  await using b = await joined(relay, { room: "A", mac: MAC_B });
  await using c = await joined(relay, { room: "A", mac: MAC_C });
  await using gateway = await joined(relay, { room: "A" });
  const names = new Map([[a, "a"], [b, "b"], [c, "c"], [gateway, "gateway"]]);
  const ways: [DenoEndpoint, string, string, string][] = [
    [a, BROADCAST_MAC, MAC_A, "b c gateway"],
    [a, MULTICAST_MAC, MAC_A, "b c gateway"],
    [a, MAC_B, MAC_A, "b"],
    [a, MAC_LAN, MAC_A, "gateway"],
    [a, MAC_A, MAC_A, ""],
    [a, BROADCAST_MAC, MAC_B, ""],
    [a, BROADCAST_MAC, MAC_LAN, ""],
    [a, "01:80:c2:00:00:00", MAC_A, ""],
    [a, "01:00:0c:cc:cc:cc", MAC_A, ""],
    [gateway, BROADCAST_MAC, MAC_LAN, "a b c"],
    [gateway, MULTICAST_MAC, MAC_LAN, "a b c"],
    [gateway, MAC_C, MAC_LAN, "c"],
    [gateway, "00:11:22:33:44:66", MAC_LAN, ""],
    [gateway, BROADCAST_MAC, MAC_B, ""],
    [gateway, BROADCAST_MAC, "01:11:22:33:44:55", ""],
    [gateway, BROADCAST_MAC, "00:00:00:00:00:00", ""],
    [gateway, "01:80:c2:00:00:0e", MAC_LAN, ""],
  ];
  const got = ways.map(() => [] as string[]);
  for (const [number, [sender, destination, source]] of ways.entries()) {
    await sender.sendFrame(frameOf(destination, source, number));
  }
  await pause(400);
  for (const [endpoint, name] of names) {
    for (const { frame, sourcePeerId } of endpoint.takeFrames()) {
      const number = frame[14] << 8 | frame[15];
      const [sender, destination, source] = ways[number];
      assertEquals(frame, frameOf(destination, source, number));
      assertEquals(sourcePeerId, sender.peerId);
      got[number].push(name);
    }
  }
  assertEquals(got.map((all) => all.join(" ")), ways.map(([, , , expected]) => expected));
});

Deno.test("frames of every length arrive as they were sent", async () => {
  await using relay = await RelayProcess.start();
  await using a = await joined(relay, { room: "A", mac: MAC_A });
  await using gateway = await joined(relay, { room: "A" });
  const edge = a.budgetBytes - 4;
  const lengths = [
    14,
    15,
    59,
    60,
    61,
    599,
    600,
    601,
    1_000,
    edge - 1,
    edge,
    edge + 1,
    1_514,
    1_522,
  ];
  for (const [number, length] of lengths.entries()) {
    const up = frameOf(MAC_LAN, MAC_A, number, length);
    await a.sendFrame(up);
    const whole = length <= edge;
    assertEquals(await gateway.frame(), {
      sourcePeerId: a.peerId,
      frame: up,
      pieces: whole ? 1 : 2,
    }, `${length} bytes`);
    const down = frameOf(MAC_A, MAC_LAN, number, length);
    await gateway.sendFrame(down);
    assertEquals((await a.frame()).frame, down, `${length} bytes`);
  }
  await a.sendFrame(frameOf(MAC_LAN, MAC_A, 0, 1_523));
  await a.sendFrame(frameOf(MAC_LAN, MAC_A, 1));
  assertEquals((await framesOf(gateway, 1)).map(({ frame }) => frame.length), [60], "1523: no");
  assertEquals([a.malformed, gateway.malformed], [[], []]);
});

Deno.test("what an endpoint writes as the source of its datagrams does not count", async () => {
  await using relay = await RelayProcess.start();
  await using a = await joined(relay, { room: "A", mac: MAC_A });
  await using b = await joined(relay, { room: "A", mac: MAC_B });
  const frame = frameOf(MAC_B, MAC_A, 1, 1_514).slice();
  await a.sendDatagram(writeDatagram({ sourcePeerId: 77, frame: frame.slice(0, 900) }));
  for (const piece of splitFrame(frame, 1_000, 0x1234, 0x7fff)) await a.sendDatagram(piece);
  assertEquals((await b.datagram()).subarray(0, 4), Uint8Array.of(1, 0, 0, a.peerId));
  const pieces = [await b.datagram(), await b.datagram()].map(readDatagram);
  for (const piece of pieces) {
    assert("payload" in piece);
    assertEquals([piece.sourcePeerId, piece.frameId], [a.peerId, 0x7fff]);
  }
  assertEquals((await framesOf(b, 2))[1].frame, frame);
});

Deno.test("a target with a narrow path gets frames and pieces that fit it, and can put them together", async () => {
  await using relay = await RelayProcess.start();
  await using wide = await joined(relay, { room: "A", mac: MAC_A });
  await using narrow = await joined(relay, { room: "A", mac: MAC_B, datagramBudget: 608 });
  await using middle = await joined(relay, { room: "A", datagramBudget: 1_000 });
  const frames = [604, 605, 618, 1_000, 1_200, 1_300, wide.budgetBytes - 4, 1_514, 1_522].map(
    (length, number) => frameOf(BROADCAST_MAC, MAC_A, number, length),
  );
  for (const frame of frames) {
    await wide.sendFrame(frame);
    for (const target of [narrow, middle]) {
      const received = await target.frame();
      assertEquals(received.frame, frame, `${frame.length} bytes`);
      assertEquals(received.sourcePeerId, wide.peerId);
      const datagrams = target.takeDatagrams();
      assertEquals(datagrams.length, received.pieces);
      for (const datagram of datagrams) checkPiece(datagram, target, frame, wide.budgetBytes);
    }
  }
  assertEquals([narrow.malformed, middle.malformed], [[], []]);
  // In the other direction nothing has to be cut.
  await narrow.sendFrame(frameOf(MAC_A, MAC_B, 9, 1_514));
  assertEquals((await wide.frame()).pieces, 3);
});

/** A datagram to a narrow target: short enough, with ids of the side that has cut the frame. */
function checkPiece(
  datagram: Uint8Array,
  target: DenoEndpoint,
  frame: Uint8Array,
  senderBytes: number,
): void {
  assert(datagram.length <= target.budgetBytes, `${datagram.length} bytes`);
  const piece = readDatagram(datagram);
  if ("frame" in piece) return assert(frame.length + 4 <= target.budgetBytes);
  assert("payload" in piece);
  const cutBySender = frame.length + 4 > senderBytes;
  assertEquals(piece.frameId < 0x8000, cutBySender, "who has cut it gives the id");
}

Deno.test("pieces come in any order, and a lost one costs its frame only", async () => {
  await using relay = await RelayProcess.start();
  await using a = await joined(relay, { room: "A", mac: MAC_A });
  await using b = await joined(relay, { room: "A", mac: MAC_B });
  const frames = [0, 1, 2].map((number) => frameOf(MAC_B, MAC_A, number, 1_500));
  const pieces = frames.map((frame, id) => splitFrame(frame, 700, 0, id));
  assertEquals(pieces.map(({ length }) => length), [3, 3, 3]);
  for (const piece of pieces[0].toReversed()) await a.sendDatagram(piece);
  await a.sendDatagram(pieces[1][0]);
  await a.sendDatagram(pieces[1][2]);
  for (const at of [1, 0, 2]) await a.sendDatagram(pieces[2][at]);
  const received = await framesOf(b, 2);
  assertEquals(received.map(({ frame }) => frame), [frames[0], frames[2]]);
});

Deno.test("datagrams before the welcome go nowhere, and are no offence", async () => {
  await using relay = await RelayProcess.start();
  await using witness = await joined(relay, { room: "A", mac: MAC_B });
  await using early = await DenoEndpoint.connect(relay.address);
  const frame = frameOf(BROADCAST_MAC, MAC_A, 1);
  for (let i = 0; i < 150; i++) {
    await early.sendDatagram(Uint8Array.of(0xff));
    await early.sendDatagram(writeDatagram({ sourcePeerId: 0, frame: frame.slice() }));
  }
  await pause(100);
  await early.join({ room: "A", mac: MAC_A });
  for (let i = 0; i < 100; i++) await early.sendDatagram(new Uint8Array(0));
  await early.sendFrame(frameOf(MAC_B, MAC_A, 2));
  const received = await framesOf(witness, 1);
  assertEquals(received.map(({ frame }) => macAt(frame, 0)), [MAC_B]);
  assertEquals(early.ending, undefined);
});

Deno.test("a hundred malformed datagrams are borne, one more is not", async () => {
  await using relay = await RelayProcess.start();
  await using witness = await joined(relay, { room: "A", mac: MAC_B });
  await using broken = await DenoEndpoint.connect(relay.address, { closesOnLastMessage: false });
  await broken.join({ room: "A", mac: MAC_A });
  const frame = frameOf(MAC_B, MAC_A, 1, 1_500);
  const relayIds = splitFrame(frame, 1_000, 0, 0x8000);
  const malformed = [...VECTORS.malformed.map(({ hex }) => Uint8Array.fromHex(hex)), ...relayIds];
  for (let i = 0; i < 100; i++) {
    await broken.sendDatagram(malformed[i % malformed.length]);
    if (i % 25 === 24) await pause(20);
  }
  await broken.sendFrame(frameOf(MAC_B, MAC_A, 2));
  assertEquals((await witness.frame()).frame.length, 60);
  assertEquals(witness.takeFrames(), [], "nothing malformed was forwarded");
  assertEquals(broken.takeMessages().map(({ type }) => type), ["peerJoined"]);
  await broken.sendDatagram(malformed[0]);
  const told = await broken.message();
  assertEquals([told.type, told["code"]], ["disconnect", "malformed-limit"]);
  assertEquals((await broken.ended()).code, CloseCode.protocol);
  assertEquals((await witness.message()).type, "peerJoined");
  assertEquals((await witness.message())["reason"], "error");
});

Deno.test("the filters' golden vectors hold on the way through the relay", async () => {
  await using relay = await RelayProcess.start();
  let passed = 0;
  let dropped = 0;
  for (const from of ["client", "gateway"] as const) {
    const room = from.toUpperCase();
    const hello = from === "client" ? { room, mac: "02:00:00:00:00:51" } : { room };
    await using sender = await joined(relay, hello);
    await using witness = await joined(relay, { room, mac: MAC_B });
    for (const { name, hex, value } of VECTORS.filters) {
      const frame = Uint8Array.fromHex(hex);
      const isOurs = value.from === from && !value.firstPiece &&
        !value.allowRouterAdvertisements && !value.allowVlan;
      if (!isOurs || (frame[0] & 1) === 0 || frame.length + 4 > sender.budgetBytes) continue;
      if (from === "client") assertEquals(macAt(frame, 6), hello.mac, name);
      await sender.sendFrame(frame);
      await sender.sendFrame(frameOf(MAC_B, macAt(frame, 6), 0));
      // Flows may overtake each other: what passes may come before or after the mark behind it.
      const others: Uint8Array[] = [];
      const expected = value.reason === null ? [frame] : [];
      for (let marked = false; !marked || others.length < expected.length;) {
        const { frame: received } = await witness.frame();
        if (macAt(received, 0) === MAC_B) marked = true;
        else others.push(received);
      }
      assertEquals(others, expected, name);
      if (value.reason === null) passed++;
      else dropped++;
    }
  }
  assertGreater(passed, 3);
  assertGreater(dropped, 8);
});
