//   near (stations)                       far (a real host)
//   +------------------------+   veth     +---------------------------+
//   | wire                   |============| wire, 10.6.0.2, fe80::…   |
//   +------------------------+            +---------------------------+

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import * as frames from "../../../tools/lab/frames.ts";
import { FrameStation, type StationFrame } from "../../support/frame_station.ts";
import {
  CommandError,
  type LabProcess,
  type Namespace,
  NetworkLab,
  whyNoNamespaces,
} from "../../../tools/lab/netns.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const ignore = whyNoNamespaces() !== undefined;
const ME = { mac: "02:00:00:00:00:01", ip: "10.6.0.1", ip6: "fe80::1" };
const HOST = { mac: "02:00:00:00:00:02", ip: "10.6.0.2", ip6: "fe80::ff:fe00:2" };
const { Type, Protocol } = frames;

function toHost(type: number, payload: Uint8Array, destination = HOST.mac): Uint8Array {
  return frames.ethernet({ destination, source: ME.mac, type, payload });
}

function ipv4(protocol: number, payload: Uint8Array): Uint8Array {
  const { ip: source } = ME;
  return toHost(Type.ipv4, frames.ipv4({ source, destination: HOST.ip, protocol, payload }));
}

async function withHost(
  work: (station: FrameStation, host: Namespace) => Promise<void>,
): Promise<void> {
  await using lab = await NetworkLab.open();
  const near = await lab.namespace("near");
  const far = await lab.namespace("far");
  await lab.veth(
    { namespace: near, name: "wire" },
    { namespace: far, name: "wire", mac: HOST.mac, addresses: [`${HOST.ip}/24`] },
  );
  await using station = await FrameStation.open(near, "wire");
  await work(station, far);
}

/** The host's answer to us of a type, with a value at an offset. */
function answer(
  station: FrameStation,
  type: number,
  at: number,
  value: number,
): Promise<StationFrame> {
  return station.waitFor(({ destination, type: seen, bytes }) =>
    destination === ME.mac && seen === type && bytes[at] === value
  );
}

const PORTS = { sourcePort: 4000, destinationPort: 4001 };

Deno.test({
  name: "a real host answers crafted IPv4 frames: their checksums and fields are right",
  ignore,
  fn: () =>
    withHost(async (station) => {
      const request = frames.arp({
        operation: "request",
        senderMac: ME.mac,
        senderIp: ME.ip,
        targetIp: HOST.ip,
      });
      await station.send(toHost(Type.arp, request, frames.BROADCAST_MAC));
      const reply = await answer(station, Type.arp, 21, 2);
      assertEquals(frames.macAt(reply.bytes, 22), HOST.mac);

      await station.send(ipv4(Protocol.icmp, frames.icmpEcho({ payload: frames.pattern(33) })));
      const echo = await answer(station, Type.ipv4, 34, 0);
      assertEquals(echo.bytes.subarray(42, 75), frames.pattern(33));

      const addresses = { source: ME.ip, destination: HOST.ip };
      const payload = frames.pattern(21);
      await station.send(ipv4(Protocol.udp, frames.udp({ ...addresses, ...PORTS, payload })));
      // Port unreachable.
      assertEquals((await answer(station, Type.ipv4, 34, 3)).bytes[35], 3);

      const open = frames.tcp({ ...addresses, ...PORTS, flags: 2, payload });
      await station.send(ipv4(Protocol.tcp, open));
      // Reset.
      assertEquals((await answer(station, Type.ipv4, 23, Protocol.tcp)).bytes[47] & 4, 4);
    }),
});

Deno.test({
  name: "a real host answers crafted IPv6 frames: their checksums and headers are right",
  ignore,
  fn: () =>
    withHost(async (station, host) => {
      // The host's link-local address comes up a moment after its interface.
      for (let tries = 0; tries < 100; tries++) {
        const { stdout } = await host.run(["ip", "-6", "addr", "show", "dev", "wire"]);
        if (stdout.includes(HOST.ip6) && !stdout.includes("tentative")) break;
      }
      const addresses = { source: ME.ip6, destination: HOST.ip6 };
      const solicitation = frames.ipv6({
        ...addresses,
        nextHeader: Protocol.icmpv6,
        hopLimit: 255,
        payload: frames.neighbourSolicitation(ME.ip6, HOST.ip6, HOST.ip6, ME.mac),
      });
      await station.send(toHost(Type.ipv6, solicitation));
      const { neighbourAdvertisement } = frames.NeighbourDiscovery;
      await answer(station, Type.ipv6, 54, neighbourAdvertisement);

      const datagram = frames.udp({ ...addresses, ...PORTS, payload: frames.pattern(21) });
      const payload = frames.join(frames.optionsHeader(Protocol.udp), datagram);
      await station.send(
        toHost(Type.ipv6, frames.ipv6({ ...addresses, nextHeader: 60, payload })),
      );
      // Destination unreachable: the host read past the options header to the port.
      assertEquals((await answer(station, Type.ipv6, 54, 1)).bytes[55], 4);
    }),
});

Deno.test({
  name: "a station floods, and hears nothing that was not sent",
  ignore,
  async fn() {
    await using lab = await NetworkLab.open();
    const near = await lab.namespace("near");
    const far = await lab.namespace("far");
    await lab.veth({ namespace: near, name: "wire" }, { namespace: far, name: "wire" });
    await using from = await FrameStation.open(near, "wire");
    await using to = await FrameStation.open(far, "wire");
    const frame = toHost(0x9000, frames.pattern(100));
    const startMs = performance.now();
    await from.flood(frame, 500, 1000);
    const tookMs = performance.now() - startMs;
    assert(tookMs > 400, `${tookMs} ms`);
    const isOurs = ({ type }: StationFrame) => type === 0x9000;
    await eventually("all are heard", () => to.frames.filter(isOurs).length >= 500);
    const seen = await to.seenWithin(isOurs, 100);
    assertEquals(seen.map(({ hex }) => hex), new Array(500).fill(frames.toHex(frame)));
    assertEquals((await from.seenWithin(isOurs, 0)).length, 0);
    await assertRejects(
      () => to.waitFor(({ type }) => type === 0x9001, 50),
      Error,
      "no such frame",
    );
  },
});

Deno.test({
  name: "a lab leaves nothing behind, also not a daemon, and a failing command says why",
  ignore,
  async fn() {
    const lab = await NetworkLab.open();
    const box = await lab.namespace("box", { resolvConf: "nameserver 192.0.2.1\n" });
    const folder = `/etc/netns/${box.fullName}`;
    assertEquals((await box.run(["cat", "/etc/resolv.conf"])).stdout, "nameserver 192.0.2.1\n");
    const sleeper = box.spawn(["sleep", "1000"]);
    // A daemon that nobody knows of, and that keeps the pipes open.
    const { stdout } = await box.run(["sh", "-c", "sleep 1000 & echo $!"]);
    const daemon = Number(stdout);
    assertStringIncludes(Deno.readTextFileSync(`/proc/${daemon}/cmdline`), "sleep");
    const failure = await assertRejects(
      () => box.run(["sh", "-c", "echo out; echo err >&2; exit 3"]),
      CommandError,
    );
    assertEquals(failure.result, { code: 3, stdout: "out\n", stderr: "err\n" });
    await assertRejects(() => box.run(["sleep", "10"], { timeoutMs: 50 }), Error, "still runs");
    assertEquals((await box.run(["cat"], { input: "hello" })).stdout, "hello");
    await assertRejects(() => sleeper.waitForLine(/never/, 50), Error, "did not write");
    await lab.close();
    await lab.close();
    assertEquals(sleeper.running, false);
    await assertRejects(() => Deno.stat(folder), Deno.errors.NotFound);
    await assertRejects(() => Deno.stat(`/run/netns/${box.fullName}`), Deno.errors.NotFound);
    await eventually("the daemon has ended", () => !isSleeping(daemon));
  },
});

/** A process with a lab in which a program runs, and what it has made. */
interface OtherLab {
  readonly process: LabProcess;
  readonly name: string;
  readonly folder: string;
  readonly sleeper: number;
}

async function startOther(lab: NetworkLab, end: string): Promise<OtherLab> {
  const module = new URL("../../../tools/lab/netns.ts", import.meta.url).href;
  const program = `
    import { NetworkLab } from "${module}";
    const lab = await NetworkLab.open();
    const box = await lab.namespace("box");
    Deno.writeTextFileSync(lab.folder + "/file", "");
    const { pid } = box.spawn(["sleep", "1000"]);
    setInterval(() => {}, 1000);
    const ended = ${end};
    console.log("made", box.fullName, lab.folder, pid);
    await ended;
    await lab.close();
    Deno.exit(7);`;
  const process = lab.spawn([Deno.execPath(), "eval", program]);
  const [, name, folder, pid] = await process.waitForLine(/^made (\S+) (\S+) (\S+)$/, 20_000);
  return { process, name, folder, sleeper: Number(pid) };
}

async function assertGone({ name, folder, sleeper }: OtherLab): Promise<void> {
  for (const path of [`/run/netns/${name}`, `/etc/netns/${name}`, folder]) {
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  }
  // It was killed; the kernel still takes a moment to end it.
  await eventually("the program has ended", () => !isSleeping(sleeper));
}

Deno.test({
  name:
    "when a signal ends its process, a lab leaves nothing; after SIGKILL the next one clears up",
  ignore,
  async fn() {
    await using lab = await NetworkLab.open();
    const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143, SIGKILL: 137 };
    for (const [signal, code] of Object.entries(codes)) {
      const other = await startOther(lab, "new Promise(() => {})");
      await (await NetworkLab.open()).close();
      // While it becomes the program it has no command line; had it been killed, it would never get one.
      await eventually("what is in use is left alone", () => isSleeping(other.sleeper));
      other.process.kill(signal as Deno.Signal);
      assertEquals(await other.process.waitExit(), code);
      if (signal === "SIGKILL") {
        assert(isSleeping(other.sleeper));
        await (await NetworkLab.open()).close();
      }
      await assertGone(other);
    }
  },
});

Deno.test({
  name: "a process may wait for the signal, and end its lab itself",
  ignore,
  async fn() {
    await using lab = await NetworkLab.open();
    const other = await startOther(lab, "lab.untilSignal()");
    other.process.kill("SIGINT");
    assertEquals(await other.process.waitExit(), 7);
    await assertGone(other);
  },
});

function isSleeping(pid: number): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("sleep");
  } catch {
    return false;
  }
}
