//   left                      this test                       right
//   +-----------------+   +-----------------------+   +-----------------+
//   | tap0, 10.8.0.1  |===| frames of either TAP  |===| tap0, 10.8.0.2  |
//   |                 |   | are written to the    |   |                 |
//   +-----------------+   | other, by a reactor   |   +-----------------+
//                         +-----------------------+

import type { Slot } from "../../../src/proto/brands.ts";
import { parseCidr } from "../../../src/proto/ip.ts";
import { assert, assertEquals, assertGreater, assertMatch, assertThrows } from "@std/assert";
import { LinkError, type LinkFrame, type LinkState } from "../../../src/link/device.ts";
import { TapDevice, type TapOptions } from "../../../src/link/tap.ts";
import { addInterfaceAddress } from "../../../src/link/netlink.ts";
import { BufferPool, HEADROOM_BYTES } from "../../../src/queue/buffer_pool.ts";
import { EpollReactor } from "../../../src/reactor/epoll_reactor.ts";
import { inNamespace } from "../../support/enter_namespace.ts";
import { BROADCAST_MAC, ethernet, mac, macAt, pattern, toHex } from "../../../tools/lab/frames.ts";
import { FrameStation } from "../../support/frame_station.ts";
import { type Namespace, NetworkLab, whyNoNamespaces } from "../../../tools/lab/netns.ts";

const MAC = "02:00:00:00:00:51";
const TEST_TYPE = 0x9000;

function open(namespace: Namespace, options: Partial<TapOptions> = {}): TapDevice {
  const pool = options.pool ?? new BufferPool(64);
  return inNamespace(
    namespace,
    () => TapDevice.open({ name: "tap0", mac: mac(MAC), mtu: 1400, pool, ...options }),
  );
}

/** One whose kernel says nothing by itself, so that a frame at the TAP device is one of the test's. */
function quietNamespace(lab: NetworkLab): Promise<Namespace> {
  return lab.namespace("player", { ipv6: false });
}

function test(name: string, work: (lab: NetworkLab) => Promise<void>): void {
  Deno.test({
    name,
    ignore: whyNoNamespaces() !== undefined,
    async fn() {
      await using lab = await NetworkLab.open();
      await work(lab);
    },
  });
}

test("two TAP devices joined by a reactor carry ping and TCP", async (lab) => {
  const pool = new BufferPool(256);
  const reactor = new EpollReactor();
  const names = [await lab.namespace("left"), await lab.namespace("right")];
  const taps = names.map((namespace, index) =>
    open(namespace, {
      pool,
      mac: mac(`02:00:00:00:00:5${index}`),
      address: parseCidr(`10.8.0.${index + 1}/24`)!,
    })
  );
  taps.forEach((tap, index) =>
    tap.start(reactor, {
      frame(frame: LinkFrame) {
        taps[1 - index].send(frame.bytes, frame.offset, frame.length);
        pool.release(frame.slot);
      },
    })
  );
  // What one turn has brought goes on at its end.
  reactor.addTask({
    work() {
      for (const tap of taps) tap.flush();
      return false;
    },
    nextDeadlineMs: () => Infinity,
  });
  const running = reactor.run();
  const [left, right] = names;
  const ping = ["ping", "-c", "20", "-i", "0.02"];
  const near = await left.run([...ping, "10.8.0.2"]);
  assertMatch(near.stdout, /20 packets transmitted, 20 received/);
  assertMatch((await right.run([...ping, "-s", "1372", "-M", "do", "10.8.0.1"])).stdout, / 0% /);

  const total = 2_000_000;
  const server = right.spawn([
    Deno.execPath(),
    "eval",
    `const c = await Deno.listen({ port: 7000 }).accept(); let n = 0;
     for await (const chunk of c.readable) n += chunk.length; console.log("got", n);`,
  ]);
  await left.run([
    Deno.execPath(),
    "eval",
    `let c; while (!c) try { c = await Deno.connect({ hostname: "10.8.0.2", port: 7000 }); }
       catch { await new Promise((r) => setTimeout(r, 50)); }
     const data = new Uint8Array(${total});
     for (let n = 0; n < data.length;) n += await c.write(data.subarray(n)); c.close();`,
  ]);
  assertEquals(await server.waitExit(), 0);
  assertEquals(server.stdout.trim(), `got ${total}`);
  reactor.stop();
  await running;
  assertGreater(taps[0].counters.framesReceived, 1000);
  for (const tap of taps) tap.close();
  assertEquals(pool.freeSlots, 256);
  reactor.close();
});

test("a TAP device has the name, MAC, MTU and addresses that were asked for", async (lab) => {
  const player = await lab.namespace("player");
  const tap = open(player, { name: "lan%d", mtu: 1400, address: parseCidr("10.8.0.5/23")! });
  assertEquals(tap.name, "lan0");
  const [link] = JSON.parse(await player.ip("-json", "addr", "show", "dev", "lan0"));
  assertEquals([link.address, link.mtu, link.ifindex], [MAC, 1400, tap.index]);
  assert(link.flags.includes("UP") && link.flags.includes("LOWER_UP"), `${link.flags}`);
  const [four] = link.addr_info;
  assertEquals([four.local, four.prefixlen, four.broadcast], ["10.8.0.5", 23, "10.8.1.255"]);
  // IPv6 is left as the system has it: a link-local address appears by itself.
  assert(link.addr_info.some(({ local }: { local: string }) => local.startsWith("fe80::")));

  inNamespace(player, () => addInterfaceAddress(tap.index, parseCidr("fd00:8::5/64")!));
  // Asking again for an address that is there already is no error.
  inNamespace(player, () => addInterfaceAddress(tap.index, parseCidr("10.8.0.5/23")!));
  const addresses = await player.addressesOf("lan0");
  assertEquals(addresses.slice(0, 1), ["10.8.0.5/23"]);
  assert(addresses.includes("fd00:8::5/64"), `${addresses}`);
  // No route but that of the address itself.
  const routes = (await player.ip("-4", "route", "show")).trim().split("\n");
  assertEquals(routes.length, 1);
  assertMatch(routes[0], /^10\.8\.0\.0\/23 dev lan0 /);
  tap.close();
  assertEquals(await player.has("lan0"), false);
});

test("the MTU of a running TAP device can be changed", async (lab) => {
  const player = await lab.namespace("player");
  const tap = open(player, { address: parseCidr("10.8.0.5/24")! });
  for (const mtu of [1280, 1500, 1400]) {
    inNamespace(player, () => tap.setMtu(mtu));
    assertEquals(tap.mtu, mtu);
    assertEquals((await player.linkOf("tap0")).mtu, mtu);
  }
  for (const mtu of [67, 1501, 1400.5, NaN]) {
    assertEquals(assertThrows(() => tap.setMtu(mtu), LinkError).code, "bad-mtu");
  }
  tap.close();
});

test("a TAP device reads frames to the headroom of a slot and writes frames as they are", async (lab) => {
  const player = await quietNamespace(lab);
  const pool = new BufferPool(16);
  const tap = open(player, { pool, mtu: 1500 });
  await using station = await FrameStation.open(player, "tap0");
  const received: string[] = [];
  const slots = new Set<number>();
  const sink = {
    frame({ bytes, offset, length, slot }: LinkFrame) {
      if ((bytes[offset + 12] << 8 | bytes[offset + 13]) === TEST_TYPE) {
        assertEquals(bytes, pool.bytes);
        assert(offset >= pool.offsetOf(slot) + HEADROOM_BYTES);
        assertEquals(pool.referencesOf(slot), 1);
        received.push(toHex(bytes.subarray(offset, offset + length)));
        slots.add(slot);
      }
      pool.release(slot);
    },
  };
  const frames = [14, 60, 1514].map((length) =>
    ethernet({
      destination: BROADCAST_MAC,
      source: MAC,
      type: TEST_TYPE,
      payload: pattern(length - 14),
      lengthMin: 0,
    })
  );
  await station.send(...frames);
  while (tap.receive(4, sink));
  assertEquals(received, frames.map(toHex));

  const slab = new Uint8Array(4096);
  for (const frame of frames) {
    frame.set(mac("02:00:00:00:00:77"), 6);
    slab.set(frame, 777);
    assertEquals(tap.send(slab, 777, frame.length), true);
  }
  const last = await station.waitFor((frame) => frame.bytes.length === 1514);
  const seen = station.frames.filter((frame) => frame.type === TEST_TYPE).map((frame) => frame.hex);
  assertEquals(seen, frames.map(toHex));
  assertEquals(macAt(last.bytes, 6), "02:00:00:00:00:77");

  // Shorter than an Ethernet header: the kernel refuses it, and it is counted.
  assertEquals(tap.send(slab, 777, 13), false);
  assertEquals(tap.counters.sendFailed, 1);
  assertThrows(() => tap.send(slab, 4090, 60), RangeError);
  tap.close();
  assertEquals(pool.freeSlots, 16);
});

test("with no free slot a TAP device drops frames and counts them, and recovers", async (lab) => {
  const player = await quietNamespace(lab);
  const pool = new BufferPool(4);
  const tap = open(player, { pool });
  await using station = await FrameStation.open(player, "tap0");
  while (tap.receive(64, { frame: ({ slot }) => pool.release(slot) }));
  const kept: Slot[] = [];
  const sink = { frame: ({ slot }: LinkFrame) => void kept.push(slot) };
  const frame = ethernet({
    destination: BROADCAST_MAC,
    source: MAC,
    type: TEST_TYPE,
    payload: pattern(50),
  });
  await station.send(...Array.from({ length: 10 }, () => frame));
  while (tap.receive(64, sink));
  assertEquals(kept.length, 3);
  assert(tap.counters.receivedWithoutSlot >= 7);
  for (const slot of kept.splice(0)) pool.release(slot);
  await station.send(frame);
  while (tap.receive(64, sink));
  assertEquals(kept.length, 1);
  for (const slot of kept) pool.release(slot);
  tap.close();
  assertEquals(pool.freeSlots, 4);
});

test("a TAP device that is set down or deleted says so and lets the reactor sleep", async (lab) => {
  const player = await quietNamespace(lab);
  const reactor = new EpollReactor();
  const pool = new BufferPool(16);
  const tap = open(player, { pool });
  const states: LinkState[] = [];
  tap.start(reactor, {
    frame: ({ slot }) => pool.release(slot),
    state: (state) => states.push(state),
  });
  const sleeps = () => {
    const startMs = performance.now();
    for (let count = 0; count < 4; count++) reactor.turn(20);
    return performance.now() - startMs > 40;
  };
  await player.ip("link", "set", "tap0", "down");
  inNamespace(player, () => tap.checkState());
  assertEquals(states, ["down"]);
  assertEquals(sleeps(), true);
  assertEquals(tap.send(new Uint8Array(60), 0, 60), false);
  assertEquals(tap.counters.sendDown, 1);
  await player.ip("link", "set", "tap0", "up");
  inNamespace(player, () => tap.checkState());
  assertEquals(states, ["down", "up"]);
  await player.ip("link", "del", "tap0");
  reactor.turn(20);
  assertEquals(states, ["down", "up", "gone"]);
  assertEquals(sleeps(), true);
  assertEquals(tap.send(new Uint8Array(60), 0, 60), false);
  tap.close();
  assertEquals(pool.freeSlots, 16);
  reactor.close();
});

test("a TAP device that cannot be made is told in plain words", async (lab) => {
  const player = await lab.namespace("player");
  const tap = open(player);
  const taken = assertThrows(() => open(player), LinkError);
  assertEquals([taken.code, taken.message], ["name-taken", 'TAP device "tap0" is in use already']);
  tap.close();
  await player.bridge("br0");
  const other = assertThrows(() => open(player, { name: "br0" }), LinkError);
  assertEquals(other.code, "name-taken");
  const badMac = assertThrows(() => open(player, { mac: mac("03:00:00:00:00:01") }), LinkError);
  assertEquals(badMac.code, "bad-mac");
  // What failed half-way leaves nothing behind.
  assertEquals(await player.has("tap0"), false);
});

test("without the right to make interfaces the error says which is missing", async (lab) => {
  const player = await lab.namespace("player");
  const sources = new URL("../../../src/", import.meta.url).href;
  const result = await player.run([
    "setpriv",
    "--bounding-set=-net_admin",
    Deno.execPath(),
    "eval",
    `import { TapDevice } from "${sources}link/tap.ts";
     import { BufferPool, HEADROOM_BYTES } from "${sources}queue/buffer_pool.ts";
     try {
       TapDevice.open({ name: "tap0", mac: Uint8Array.of(2, 0, 0, 0, 0, 1), mtu: 1400,
         pool: new BufferPool(4) });
       console.log("opened");
     } catch (error) { console.log(error.code, error.message); }`,
  ]);
  assertEquals(
    result.stdout.trim(),
    "no-permission not allowed to make a TAP device: run as root or grant the capability " +
      "CAP_NET_ADMIN",
  );
});
