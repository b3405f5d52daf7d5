//   near (this test)                       far (crafted frames, real hosts)
//   +------------------+                   +------------------+
//   | PacketSocket on  |      veth         | wire, 10.9.0.2   |
//   | wire, 10.9.0.1   |===================|                  |
//   +------------------+                   +------------------+

import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { LinkError, type LinkFrame, type LinkState } from "../../../src/link/device.ts";
import { reportLink } from "../../../src/link/link_report.ts";
import { bridgeFilter } from "../../../src/link/bpf.ts";
import { PacketSocket, type PacketSocketOptions } from "../../../src/link/packet_socket.ts";
import { EpollReactor } from "../../../src/reactor/epoll_reactor.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { inNamespace } from "../../support/enter_namespace.ts";
import { BROADCAST_MAC, ethernet, mac, pattern, toHex, Type } from "../../../tools/lab/frames.ts";
import { type Namespace, NetworkLab, whyNoNamespaces } from "../../../tools/lab/netns.ts";

const NEAR_MAC = "02:00:00:00:00:01";
const FAR_MAC = "02:00:00:00:00:02";
const THIRD_MAC = "02:00:00:00:00:03";
const TEST_TYPE = 0x9000;

interface Wire extends AsyncDisposable {
  readonly near: Namespace;
  readonly far: Namespace;
}

async function wire(): Promise<Wire> {
  const lab = await NetworkLab.open();
  // A kernel with IPv6 reports multicast groups whenever it likes in a link's first second.
  const near = await lab.namespace("near", { ipv6: false });
  const far = await lab.namespace("far", { ipv6: false });
  const common = { name: "wire" };
  await lab.veth(
    { ...common, namespace: near, mac: NEAR_MAC, addresses: ["10.9.0.1/24"] },
    { ...common, namespace: far, mac: FAR_MAC, addresses: ["10.9.0.2/24"] },
  );
  return { near, far, [Symbol.asyncDispose]: () => lab.close() };
}

function open(namespace: Namespace, options: Partial<PacketSocketOptions> = {}): PacketSocket {
  return inNamespace(namespace, () => PacketSocket.open({ interface: "wire", ...options }));
}

interface Received {
  readonly hex: string;
  readonly vlanTpid: number;
  readonly vlanTci: number;
}

/** Everything of the test's own type that waits at a socket. */
function drain(socket: PacketSocket): Received[] {
  const received: Received[] = [];
  const sink = {
    frame({ bytes, offset, length, vlanTpid, vlanTci }: LinkFrame): void {
      const frame = bytes.subarray(offset, offset + length);
      if ((frame[12] << 8 | frame[13]) !== TEST_TYPE) return;
      received.push({ hex: toHex(frame), vlanTpid, vlanTci });
    },
  };
  while (socket.receive(64, sink));
  return received;
}

/** So many frames of the test's own type, or what has come of them by then: a busy kernel delivers later. */
async function arrived(socket: PacketSocket, count: number): Promise<Received[]> {
  const received: Received[] = [];
  await eventually("frames", () => {
    received.push(...drain(socket));
    return received.length >= count;
  }, 5_000).catch(() => {});
  return received;
}

function testFrame(options: {
  destination?: string;
  length?: number;
  tags?: { id: number; priority?: number; tpid?: number }[];
  number?: number;
} = {}): Uint8Array<ArrayBuffer> {
  const payload = pattern((options.length ?? 60) - 14);
  payload[0] = (options.number ?? 0) >> 8;
  payload[1] = (options.number ?? 0) & 0xff;
  return ethernet({
    destination: options.destination ?? BROADCAST_MAC,
    source: THIRD_MAC,
    type: TEST_TYPE,
    payload,
    tags: options.tags ?? [],
    lengthMin: 0,
  });
}

function send(socket: PacketSocket, ...frames: Uint8Array[]): void {
  for (const frame of frames) socket.send(frame, 0, frame.length);
  socket.flush();
}

function test(name: string, work: (wire: Wire) => Promise<void> | void): void {
  Deno.test({
    name,
    ignore: whyNoNamespaces() !== undefined,
    async fn() {
      await using network = await wire();
      await work(network);
    },
  });
}

test("a packet socket carries frames of every length whole and in order, both ways", async (network) => {
  const near = open(network.near);
  const far = open(network.far);
  const frames = [14, 15, 59, 60, 61, 600, 1513, 1514].map((length) => testFrame({ length }));
  // Several batches: more than one sendmmsg.
  for (let number = 0; number < 300; number++) frames.push(testFrame({ number, length: 100 }));
  for (const [from, to] of [[near, far], [far, near]]) {
    send(from, ...frames);
    const received = await arrived(to, frames.length);
    assertEquals(received.map((frame) => frame.hex), frames.map(toHex));
    assertEquals(from.counters.framesSent, frames.length);
    // What was sent does not come back.
    assertEquals(drain(from), []);
  }
  near.close();
  far.close();
});

test("a packet socket takes a frame at an offset of a larger buffer", async (network) => {
  const near = open(network.near);
  const far = open(network.far);
  const frame = testFrame({ length: 99 });
  const slab = new Uint8Array(4096).fill(0xee);
  slab.set(frame, 1003);
  near.send(slab, 1003, frame.length);
  near.flush();
  assertEquals((await arrived(far, 1)).map(({ hex }) => hex), [toHex(frame)]);
  near.close();
  far.close();
});

test("a packet socket hears frames for other stations", async (network) => {
  const near = open(network.near);
  const far = open(network.far);
  send(far, testFrame({ destination: "02:00:00:00:00:99" }));
  assertEquals((await arrived(near, 1)).length, 1);
  near.close();
  far.close();
});

test("whether frames for other stations are heard stands in the kernel's report of the interface", async ({ near }) => {
  const { ifindex } = await near.linkOf("wire");
  const isPromiscuous = () => inNamespace(near, () => (reportLink(ifindex)?.promiscuity ?? 0) > 0);
  assertEquals(isPromiscuous(), false);
  const [first, second] = [open(near), open(near)];
  assertEquals(isPromiscuous(), true);
  first.close();
  assertEquals(isPromiscuous(), true);
  second.close();
  assertEquals(isPromiscuous(), false, "nobody asks for it any more");
});

test("a VLAN tag that the kernel takes out is told beside the frame", async (network) => {
  const near = open(network.near);
  const far = open(network.far);
  const tci = 5 << 13 | 123;
  send(far, testFrame({ tags: [{ id: 123, priority: 5 }] }));
  send(far, testFrame({ tags: [{ id: 123, priority: 5, tpid: Type.qinq }] }));
  send(far, testFrame({ tags: [] }));
  const hex = toHex(testFrame());
  assertEquals(await arrived(near, 3), [
    { hex, vlanTpid: Type.vlan, vlanTci: tci },
    { hex, vlanTpid: Type.qinq, vlanTci: tci },
    { hex, vlanTpid: 0, vlanTci: 0 },
  ]);
  near.close();
  far.close();
});

test("a full frame with a VLAN tag can be sent; a longer one is counted", async (network) => {
  const near = open(network.near);
  const far = open(network.far);
  send(far, testFrame({ length: 1514, tags: [{ id: 7 }] }));
  const tagged = await arrived(near, 1);
  assertEquals(tagged.map(({ vlanTci, hex }) => [vlanTci, hex.length / 2]), [[7, 1514]]);
  // The frames around one that the kernel refuses still arrive.
  send(far, testFrame({ number: 1 }), testFrame({ length: 1600 }), testFrame({ number: 2 }));
  assertEquals((await arrived(near, 2)).length, 2);
  assertEquals(far.counters.sendTooLong, 1);
  assertEquals(far.send(new Uint8Array(3000), 0, 3000), false);
  assertEquals(far.counters.sendTooLong, 2);
  assertEquals(far.counters.framesSent, 3);
  near.close();
  far.close();
});

/** Checks and sums up what a TCP stream looks like at a packet socket. */
class StreamWatch {
  superFrames = 0;
  longest = 0;
  unfinished = 0;
  payloadBytes = 0;

  frame(frame: LinkFrame): void {
    const { bytes, offset, length } = frame;
    if ((bytes[offset + 12] << 8 | bytes[offset + 13]) !== Type.ipv4) return;
    const headerBytes = 14 + 20 + (bytes[offset + 14 + 20 + 12] >> 4) * 4;
    assertEquals(bytes[offset + 16] << 8 | bytes[offset + 17], length - 14);
    this.payloadBytes += length - headerBytes;
    this.longest = Math.max(this.longest, length);
    // Each byte of the stream is its position's low byte: nothing is missing in the middle.
    for (let at = offset + headerBytes + 1; at < offset + length; at++) {
      if (bytes[at] !== (bytes[at - 1] + 1 & 0xff)) throw new Error(`wrong byte at ${at}`);
    }
    if ((frame.virtioFlags & 1) !== 0) {
      this.unfinished++;
      assertEquals([frame.checksumStart, frame.checksumOffset], [34, 16]);
    }
    if (frame.gsoType === 0) return;
    this.superFrames++;
    assertEquals(frame.gsoType & 0x7f, 1);
    assert(frame.segmentBytes > 1000 && frame.segmentBytes <= 1460, `${frame.segmentBytes}`);
    assert(length - headerBytes > frame.segmentBytes);
  }
}

test("super-frames of TCP arrive whole, with what is needed to cut them", async (network) => {
  const near = open(network.near);
  const seen = new StreamWatch();
  const total = 1 << 20;
  const server = network.near.spawn([
    Deno.execPath(),
    "eval",
    `const c = await Deno.listen({ port: 7000 }).accept(); let n = 0;
     for await (const chunk of c.readable) n += chunk.length; console.log("got", n);`,
  ]);
  // Until the server listens, the connection is refused at once.
  const client = network.far.spawn([
    Deno.execPath(),
    "eval",
    `const data = Uint8Array.from({ length: ${total} }, (_, i) => i & 255);
     let c; while (!c) try { c = await Deno.connect({ hostname: "10.9.0.1", port: 7000 }); }
       catch { await new Promise((r) => setTimeout(r, 50)); }
     for (let n = 0; n < data.length;) n += await c.write(data.subarray(n)); c.close();`,
  ]);
  let ended = false;
  server.exited.then(() => ended = true);
  while (!ended) {
    while (near.receive(64, seen));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assertEquals(server.stdout.trim(), `got ${total}`);
  assertEquals(await client.waitExit(), 0);
  while (near.receive(64, seen));
  near.updateCounters();
  assertGreater(seen.superFrames, 5);
  assertGreater(seen.longest, 10_000);
  assertGreater(seen.unfinished, 0);
  assertEquals(near.counters.receivedTruncated, 0);
  assertEquals(near.counters.kernelDrops, 0);
  // All of the stream was seen (a repeated segment may be seen twice).
  assert(seen.payloadBytes >= total, `${seen.payloadBytes} of ${total} bytes`);
  near.close();
});

test("frames that do not fit the ring are counted as the kernel's drops", async (network) => {
  const near = open(network.near, { ringFrames: 32 });
  const far = open(network.far);
  const witness = open(network.near);
  const frames = Array.from({ length: 200 }, (_, number) => testFrame({ number }));
  send(far, ...frames);
  assertEquals((await arrived(witness, frames.length)).length, frames.length);
  const received = drain(near);
  near.updateCounters();
  assert(received.length >= 24 && received.length < 200, `${received.length}`);
  assertEquals(received.map(({ hex }) => hex), frames.slice(0, received.length).map(toHex));
  assert(near.counters.kernelDrops >= 200 - received.length);
  // The ring works on after it was full.
  send(far, testFrame({ number: 999 }));
  assertEquals((await arrived(near, 1)).length, 1);
  witness.close();
  near.close();
  far.close();
});

test("a budget bounds what one call delivers, and tells that more is left", async (network) => {
  const near = open(network.near, { filter: bridgeFilter({ clientMacs: [mac(THIRD_MAC)] }) });
  const far = open(network.far);
  const witness = open(network.near);
  const frames = Array.from({ length: 10 }, () => testFrame({ destination: THIRD_MAC }));
  send(far, ...frames);
  assertEquals((await arrived(witness, frames.length)).length, frames.length);
  let count = 0;
  const sink = { frame: () => void count++ };
  assertEquals(near.receive(4, sink), true);
  assertEquals(count, 4);
  assertEquals(near.receive(6, sink), false);
  assertEquals(count, 10);
  witness.close();
  near.close();
  far.close();
});

test("the kernel filter passes only what the bridge wants, and can be changed", async (network) => {
  const near = open(network.near, { filter: bridgeFilter({ clientMacs: [mac(THIRD_MAC)] }) });
  const far = open(network.far);
  const toThird = testFrame({ destination: THIRD_MAC });
  const toNear = testFrame({ destination: NEAR_MAC });
  send(far, toThird, toNear, testFrame());
  const wanted = await arrived(near, 2);
  assertEquals(wanted.map(({ hex }) => hex), [toThird, testFrame()].map(toHex));
  near.setFilter(bridgeFilter({ clientMacs: [mac(NEAR_MAC)] }));
  send(far, toThird, toNear);
  assertEquals((await arrived(near, 1)).map(({ hex }) => hex), [toHex(toNear)]);
  near.setFilter(undefined);
  send(far, toThird, toNear);
  assertEquals((await arrived(near, 2)).length, 2);
  near.setFilter(undefined);
  near.close();
  far.close();
});

test("an interface that goes down, comes back and is deleted is told to the sink", async (network) => {
  const reactor = new EpollReactor();
  const near = open(network.near);
  const states: LinkState[] = [];
  near.start(reactor, { frame() {}, state: (state) => states.push(state) });
  const turn = () => inNamespace(network.near, () => reactor.turn(10));
  turn();
  await network.near.ip("link", "set", "wire", "down");
  // A turn that finds frames takes these, and the next one the kernel's error.
  await eventually("down", () => {
    turn();
    return states.length > 0;
  });
  assertEquals(states, ["down"]);
  send(near, testFrame());
  assertEquals(near.counters.sendDown, 1);
  await network.near.ip("link", "set", "wire", "up");
  // The kernel looks at carriers by itself, up to a second later.
  const checkUntil = (state: LinkState) =>
    eventually(state, () => inNamespace(network.near, () => near.checkState()) === state);
  await checkUntil("up");
  assertEquals(states, ["down", "up"]);
  await network.far.ip("link", "set", "wire", "down");
  await checkUntil("down");
  await network.far.ip("link", "set", "wire", "up");
  await checkUntil("up");
  assertEquals(states, ["down", "up", "down", "up"]);
  await network.far.run(["ping", "-c", "1", "10.9.0.1"]);
  turn();
  assertGreater(near.counters.framesReceived, 0);
  await network.near.ip("link", "del", "wire");
  await eventually("gone", () => {
    turn();
    return states.at(-1) === "gone";
  });
  // A socket with a pending error would be readable in every turn: the wait must be able to sleep.
  const startMs = performance.now();
  for (let count = 0; count < 3; count++) reactor.turn(20);
  assertGreater(performance.now() - startMs, 40);
  near.close();
  reactor.close();
});

test("what cannot be opened is told in plain words", (network) => {
  const missing = assertThrows(() => open(network.near, { interface: "nosuch0" }), LinkError);
  assertEquals(missing.code, "no-such-interface");
  assertEquals(missing.message, 'there is no interface "nosuch0"');
  for (const name of ["", ".", "a/b", "a b", "a:1", "sixteen-letters-", "ü"]) {
    const bad = assertThrows(() => open(network.near, { interface: name }), LinkError);
    assertEquals(bad.code, "bad-name", name);
  }
});

test("without the right to raw sockets the error says which is missing", async (network) => {
  const url = new URL("../../../src/link/packet_socket.ts", import.meta.url);
  const result = await network.near.run([
    "setpriv",
    "--bounding-set=-net_raw",
    Deno.execPath(),
    "eval",
    `import { PacketSocket } from ${JSON.stringify(url.href)};
     try { PacketSocket.open({ interface: "wire" }); console.log("opened"); }
     catch (error) { console.log(error.code, error.message); }`,
  ]);
  assertEquals(
    result.stdout.trim(),
    'no-permission not allowed to use interface "wire": run as root or grant the capabilities ' +
      "CAP_NET_RAW and CAP_NET_ADMIN",
  );
});

test("a closed packet socket is harmless", (network) => {
  const near = open(network.near);
  near.close();
  near.close();
  assertEquals(near.send(testFrame(), 0, 60), false);
  assertEquals(near.receive(10, { frame: () => {} }), false);
  near.flush();
  near.updateCounters();
});
