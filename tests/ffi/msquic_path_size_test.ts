/** A path's packet size: how it is found, and what follows when it falls, by msquic's own code (patches 0035 to 0038). */
import { assertEquals } from "@std/assert";
import { type MsquicProgram, sayings } from "../support/msquic_program.ts";

const PATH: MsquicProgram = {
  program: new URL("./path_size.c", import.meta.url).pathname,
  core: [
    ...["mtu_discovery.c", "loss_detection.c", "sent_packet_metadata.c"],
    ...["ack_tracker.c", "range.c", "frame.c"],
  ],
};

/**
 * What the path carries: what is found, by how many probes, and the round trips until the size was known and until
 * the search was over. Lost probes are 28 bytes shorter than their IP packets, or 48.
 */
const SEARCHES: Record<string, string> = {
  "1248": "1248: 1248, 15 probes, 15 lost, 0.0 of 10.2; 0 of 20394 bytes lost are congestion",
  "1280": "1280: 1280, 13 probes, 12 lost, 8.9 of 8.9; 0 of 16638 bytes lost are congestion",
  "1358": "1358: 1358, 10 probes, 9 lost, 6.7 of 6.7; 0 of 12648 bytes lost are congestion",
  "1380": "1380: 1380, 13 probes, 12 lost, 4.4 of 8.9; 0 of 16860 bytes lost are congestion",
  "1400": "1400: 1400, 11 probes, 9 lost, 7.7 of 7.7; 0 of 12744 bytes lost are congestion",
  "1412": "1412: 1412, 8 probes, 6 lost, 5.4 of 5.4; 0 of 8592 bytes lost are congestion",
  "1420": "1420: 1420, 13 probes, 12 lost, 1.0 of 9.0; 0 of 17232 bytes lost are congestion",
  "1432": "1432: 1432, 11 probes, 9 lost, 7.8 of 7.8; 0 of 13020 bytes lost are congestion",
  "1452": "1452: 1452, 8 probes, 6 lost, 5.5 of 5.5; 0 of 8748 bytes lost are congestion",
  "1472": "1472: 1472, 8 probes, 6 lost, 3.3 of 5.5; 0 of 8808 bytes lost are congestion",
  "1492": "1492: 1492, 6 probes, 3 lost, 4.3 of 4.3; 0 of 4416 bytes lost are congestion",
  "1492v6": "1492: 1492, 6 probes, 3 lost, 4.3 of 4.3; 0 of 4356 bytes lost are congestion",
  "1499": "1499: 1492, 6 probes, 3 lost, 4.3 of 4.3; 0 of 4416 bytes lost are congestion",
  "1500": "1500: 1500, 2 probes, 0 lost, 1.0 of 1.0; 0 of 0 bytes lost are congestion",
};

Deno.test("each size that paths have is found, within 16 probes and 11 round trips", async () => {
  assertEquals(await sayings(PATH, Object.keys(SEARCHES)), SEARCHES);
});

Deno.test("a path that has become wider is found out by the next search, ten minutes later", async () => {
  assertEquals(await sayings(PATH, ["again"]), {
    "again": "1420: 1420, 13 probes, 12 lost, 1.0 of 9.0; not yet; " +
      "1492: 1492, 5 probes, 3 lost, 3.3 of 3.3;",
  });
});

Deno.test("without the patch PPPoE's size is missed, and a lost probe is not found out by itself", async () => {
  const without = { ...PATH, without: "0036-path-size-by-bisection.patch" };
  assertEquals(await sayings(without, ["1492", "1420"]), {
    "1492": "1492: 1440, no end; 0 of 0 bytes lost are congestion",
    "1420": "1420: 1360, no end; 0 of 0 bytes lost are congestion",
  });
});

const PING: MsquicProgram = {
  program: new URL("./ping_length.c", import.meta.url).pathname,
  core: ["send.c"],
};

Deno.test("a PING is as small as it is, and without the patch as long as the path allows", async () => {
  assertEquals(await sayings(PING, [""]), { "": "31 bytes" });
  const without = { ...PING, without: "0035-small-pings.patch" };
  assertEquals(await sayings(without, [""]), { "": "1472 bytes" });
});

/**
 * The size before and after, whether datagrams were told, and for how long no small packets and none of the path's size
 * arrived; with a round trip of 100 ms. Sparse ones are sent each second.
 */
const FALLS: Record<string, string> = {
  "fall-game": "1500 to 1400, is told, small 0.02 s, large 0.40 s",
  "fall-game-v6": "1500 to 1280, is told, small 0.02 s, large 0.40 s",
  "fall-bulk": "1500 to 1400, is told, large 0.56 s",
  "fall-sparse": "1500 to 1400, is told, large 1.00 s",
  "fall-below": "1500 to 1492, is told, small 0.01 s, large 0.40 s",
};

Deno.test("a path that carries less than it did is noticed within half a second", async () => {
  assertEquals(await sayings(PATH, Object.keys(FALLS)), FALLS);
});

Deno.test("without the patch packets of its size get lost for good", async () => {
  const without = { ...PATH, without: "0037-a-path-that-carries-less.patch" };
  assertEquals(await sayings(without, ["fall-game", "fall-sparse"]), {
    "fall-game": "1500 to 1500, not told, small 0.02 s, large 5.00 s",
    "fall-sparse": "1500 to 1500, not told, large 5.00 s",
  });
});

Deno.test("neither congestion nor an outage makes the size fall, and a path that changes again and again does once", async () => {
  const still = "0 falls, at least 1500, at the end 1500";
  assertEquals(await sayings(PATH, ["outage", "loss-bulk", "loss-game", "loss-mixed", "flap"]), {
    "outage": still,
    "loss-bulk": still,
    "loss-game": still,
    "loss-mixed": still,
    "flap": "1 falls, at the end 1400",
  });
});

const SENDS: MsquicProgram = {
  program: new URL("./too_long.c", import.meta.url).pathname,
  core: [],
};
const WAYS = ["messages", "messages-icmp", "segmented", "segmented-icmp", "segmented-old"];

Deno.test("what is behind packets that are too long for the interface is sent", async () => {
  const sent = "100 200 1300 1300 60 done";
  assertEquals(await sayings(SENDS, WAYS), Object.fromEntries(WAYS.map((way) => [way, sent])));
});

Deno.test("without the patch the rest of the batch is given up", async () => {
  const without = { ...SENDS, without: "0038-what-is-behind-too-long-ones.patch" };
  assertEquals(await sayings(without, WAYS), {
    "messages": "100 given up",
    "messages-icmp": "given up",
    "segmented": "100 given up",
    "segmented-icmp": "given up",
    "segmented-old": "100 given up",
  });
});
