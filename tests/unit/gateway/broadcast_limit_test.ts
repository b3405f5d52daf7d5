import { assert, assertEquals } from "@std/assert";
import { BroadcastLimiter, isUrgentBroadcast } from "../../../src/gateway/broadcast_limit.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { BROADCAST, frameOf, GatewayHarness, STATION } from "./harness.ts";
import { makeFrame } from "../offload/packets.ts";
import { hex, join } from "../proto/frames.ts";

const LIMITS = { framesPerSecond: 100, bytesPerSecond: 10_000, stationFramesPerSecond: 1_000_000 };

/** Offers frames for some seconds at a steady rate from many stations; counts what gets in. */
function offer(
  limiter: BroadcastLimiter,
  options: { perSecond: number; seconds: number; urgent: boolean; fromMs?: number; bytes?: number },
): number {
  const mac = new Uint8Array(6);
  let admitted = 0;
  for (let count = 0; count < options.perSecond * options.seconds; count++) {
    mac[4] = count >> 8;
    mac[5] = count;
    const nowMs = (options.fromMs ?? 0) + count * 1000 / options.perSecond;
    if (limiter.admit(mac, 0, options.bytes ?? 60, 1, options.urgent, nowMs)) admitted++;
  }
  return admitted;
}

Deno.test("what is within the limits gets in, all of it", () => {
  assertEquals(
    offer(new BroadcastLimiter(LIMITS), { perSecond: 90, seconds: 10, urgent: false }),
    900,
  );
});

Deno.test("a storm gets in at the limit's rate, by frames or by bytes, and no faster", () => {
  const storm = { perSecond: 5_000, seconds: 10, urgent: false };
  const byFrames = offer(new BroadcastLimiter(LIMITS), storm);
  assert(byFrames >= 1_000 && byFrames <= 1_050, `${byFrames} frames in 10 s`);
  const byBytes = offer(new BroadcastLimiter(LIMITS), { ...storm, bytes: 1_000 });
  assert(byBytes >= 98 && byBytes <= 105, `${byBytes} long frames in 10 s`);
});

Deno.test("while a storm rages, ARP and discovery still get in", () => {
  const limiter = new BroadcastLimiter(LIMITS);
  let urgent = 0;
  const mac = new Uint8Array(6);
  for (let ms = 0; ms < 10_000; ms++) {
    mac[5] = ms;
    limiter.admit(mac, 0, 60, 1, false, ms);
    if (ms % 100 === 0 && limiter.admit(mac, 0, 60, 1, true, ms)) urgent++;
  }
  assertEquals(urgent, 100);
});

Deno.test("a station that floods takes its own share only, and is not locked out for good", () => {
  const limiter = new BroadcastLimiter({
    ...{ framesPerSecond: 1_000, bytesPerSecond: 1e9, stationFramesPerSecond: 100 },
  });
  const flooder = hex("001122334455");
  const other = hex("001122334466");
  let flood = 0;
  let others = 0;
  let arp = 0;
  for (let ms = 0; ms < 10_000; ms++) {
    for (let burst = 0; burst < 20; burst++) {
      if (limiter.admit(flooder, 0, 60, 1, false, ms)) flood++;
    }
    if (ms % 20 === 0 && limiter.admit(other, 0, 60, 1, false, ms)) others++;
    if (ms % 1000 === 500 && limiter.admit(flooder, 0, 60, 1, true, ms)) arp++;
  }
  assert(flood >= 980 && flood <= 1_040, `${flood} of the flooder`);
  assertEquals(others, 500);
  assertEquals(arp, 10);
});

Deno.test("a super-frame counts as what it is cut into, and time that goes back gives nothing", () => {
  const limiter = new BroadcastLimiter(LIMITS);
  const mac = hex("001122334455");
  assertEquals(limiter.admit(mac, 0, 60, 38, false, 1000), false, "37 are not reserved");
  assertEquals(limiter.admit(mac, 0, 60, 37, false, 1000), true);
  assertEquals(limiter.admit(mac, 0, 60, 1, false, 1000), false);
  assertEquals(limiter.admit(mac, 0, 60, 13, true, 500), true);
  assertEquals(limiter.admit(mac, 0, 60, 1, true, 500), false);
});

Deno.test("what others wait for is urgent, and a game's own broadcast is not", () => {
  const udp = (destinationPort: number) => {
    const frame = makeFrame({ ipVersion: 4, protocol: "udp", payload: [1, 2, 3] });
    frame[36] = destinationPort >> 8;
    frame[37] = destinationPort;
    return frame;
  };
  const icmp6 = (type: string) => {
    const addresses = "20010db8000000000000000000000001 ff020000000000000000000000000016";
    const packet = `60000000 0008 3a 01 ${addresses} ${type}000000 00000000`;
    return join(hex("333300000016001122334455" + "86dd"), hex(packet.replaceAll(" ", "")));
  };
  const igmp = hex(
    "01005e000016001122334455" + "0800" + "4500001c000100000102000000000000e0000016" +
      "1600000000000000",
  );
  const cases: [string, Uint8Array, boolean][] = [
    ["ARP", frameOf(BROADCAST, STATION, 60, "0806"), true],
    ["IGMP", igmp, true],
    ["MLD report", icmp6("8f"), true],
    ["neighbour solicitation", icmp6("87"), true],
    ["ping", icmp6("80"), false],
    ["mDNS", udp(5353), true],
    ["SSDP", udp(1900), true],
    ["NetBIOS names", udp(137), true],
    ["LLMNR", udp(5355), true],
    ["WS-Discovery", udp(3702), true],
    ["a game", udp(27015), false],
    ["an unknown type", frameOf(BROADCAST, STATION, 60, "88b6"), false],
  ];
  const dissection = new Dissection();
  for (const [name, frame, urgent] of cases) {
    dissect(frame, 0, frame.length, dissection);
    assertEquals(isUrgentBroadcast(dissection), urgent, name);
  }
});

Deno.test("a storm on the LAN enters the tunnel at a bounded rate; unicast is not held up", () => {
  const harness = GatewayHarness.joined();
  const sent = harness.counters.framesSent;
  for (let count = 0; count < 50_000; count++) {
    harness.nowMs += 0.02;
    harness.fromLan(frameOf(BROADCAST, STATION, 60, "88b6"));
    if (count % 100 === 0) harness.tunnel();
  }
  const entered = harness.counters.framesSent - sent;
  assert(entered >= 500 && entered <= 800, `${entered} frames of one station within a second`);
  assertEquals(harness.drops()["lan-broadcast-limit"], 50_000 - entered);
  for (let count = 0; count < 20; count++) harness.fromLan(frameOf("02:00:00:00:00:51", STATION));
  assertEquals(harness.counters.framesSent - sent, entered + 20);
});
