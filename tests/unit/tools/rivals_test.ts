/** Ours beside rivals: what is pure in it, from the command line to the pictures. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { highestRate } from "../../../tools/bench/rivals/highest_rate.ts";
import { busySeconds, familySeconds } from "../../../tools/bench/rivals/noise.ts";
import { readRivalsOptions } from "../../../tools/bench/rivals/options.ts";
import { PEER_NAMES } from "../../../tools/bench/rivals/peers.ts";
import { drawHistograms, drawMinute, place } from "../../../tools/bench/rivals/pictures.ts";
import {
  countPings,
  PING_BINS,
  pingFigures,
  pingSeconds,
  readPings,
} from "../../../tools/bench/rivals/pings.ts";
import {
  bestRival,
  formatCells,
  type PeerRound,
  type RivalsRun,
  rivalsTable,
  splitRun,
  spreadOf,
} from "../../../tools/bench/rivals/results.ts";
import { PARTS, ROWS, rowsOf } from "../../../tools/bench/rivals/rows.ts";
import { formatRuns } from "../../../tools/docs/performance.ts";

const read = (...args: string[]) => readRivalsOptions(args, PEER_NAMES);

Deno.test("without options: five rounds of everything, of everybody who is to be had", () => {
  assertEquals(read(), { rounds: 5, parts: PARTS, peers: undefined, also: [], keep: false });
});

Deno.test("a short comparison: rows and peers by name, in the table's order", () => {
  const options = read("--rows", "fixed,ping", "--rounds", "2", "--peers", "rawtun,ours", "--keep");
  assertEquals(options, {
    rounds: 2,
    parts: ["ping", "fixed"],
    peers: ["ours", "rawtun"],
    also: [],
    keep: true,
  });
});

Deno.test("other builds have a name and a folder, which may have an equals sign in it", () => {
  const options = read("--also", "before=/tmp/a=b", "--also=after=dist");
  assert(typeof options !== "string");
  assertEquals(options.also, [{ name: "before", folder: "/tmp/a=b" }, {
    name: "after",
    folder: "dist",
  }]);
});

Deno.test("what is wrong on the command line is said in one line", () => {
  const wrong: [string[], RegExp][] = [
    [["--rounds", "0"], /^--rounds 0: give a number from 1 to 100$/],
    [["--rounds", "101"], /from 1 to 100/],
    [["--rounds", "2.5"], /from 1 to 100/],
    [["--rounds", "-1"], /from 1 to 100|rounds/],
    [["--peers", "hamachi"], /^--peers: there is no "hamachi"; there are ours, .*rawtun$/],
    [["--peers", "ours,"], /there is no ""/],
    [["--rows", "pings"], /^--rows: there is no "pings"; there are ping, /],
    [["--also", "/tmp/base"], /^--also \/tmp\/base: give NAME=FOLDER$/],
    [["--also", "before="], /give NAME=FOLDER/],
    [["--also", "a b=/tmp"], /a name has/],
    [["--also", "ours=/tmp"], /there is a peer of this name already/],
    [["--also", "a=/x", "--also", "a=/y"], /given twice/],
    [["--fast"], /--fast/],
    [["tinc"], /^unexpected argument "tinc"$/],
  ];
  for (const [args, pattern] of wrong) {
    const found = read(...args);
    assert(typeof found === "string", args.join(" "));
    assertMatch(found, pattern);
    assertEquals(found.includes("\n"), false);
  }
});

Deno.test("each row has a name of its own, and a part that is measured", () => {
  assertEquals(new Set(ROWS.map(({ id }) => id)).size, ROWS.length);
  assertEquals(rowsOf(["memory"]).map(({ id }) => id), ["residentMb"]);
  const parts = new Set(ROWS.map(({ part }) => part));
  // The first minute is a picture.
  assertEquals(PARTS.filter((part) => !parts.has(part)), ["minute"]);
});

const PING_OUTPUT = `PING 10.77.0.10 (10.77.0.10) 56(84) bytes of data.
[1764600000.100000] 64 bytes from 10.77.0.10: icmp_seq=1 ttl=64 time=0.300 ms
[1764600000.350000] 64 bytes from 10.77.0.10: icmp_seq=2 ttl=64 time=2.50 ms
[1764600000.700000] 64 bytes from 10.77.0.10: icmp_seq=3 ttl=64 time=12 ms
[1764600001.200000] 64 bytes from 10.77.0.10: icmp_seq=4 ttl=64 time=0.400 ms

--- 10.77.0.10 ping statistics ---
4 packets transmitted, 4 received, 0% packet loss, time 33ms
rtt min/avg/max/mdev = 0.300/3.800/12.000/4.000 ms
`;

Deno.test("pings are read with their times, and counted by half seconds and by bins", () => {
  const pings = readPings(PING_OUTPUT);
  assertEquals(pings.map(({ ms }) => ms), [0.3, 2.5, 12, 0.4]);
  assertEquals(pingFigures("a", pings), { aMedianMs: 2.5, aP99Ms: 12, aMaxMs: 12 });
  assertEquals(pingSeconds(pings), [
    { atSeconds: 0, medianMs: 2.5, maxMs: 2.5 },
    { atSeconds: 0.5, medianMs: 12, maxMs: 12 },
    { atSeconds: 1, medianMs: 0.4, maxMs: 0.4 },
  ]);
  const counts = countPings([...pings, { unixSeconds: 0, ms: 1e6 }]);
  assertEquals(counts.reduce((sum, count) => sum + count, 0), 5);
  assertEquals(counts.at(-1), 1);
  const bin = counts.findIndex((count) => count > 0);
  assert(PING_BINS[bin] >= 0.3 && PING_BINS[bin - 1] < 0.3);
  assertThrows(() => pingFigures("a", []), Error, "no ping came back");
});

Deno.test("who computed is read from /proc", () => {
  const stat = "cpu  100 20 30 4000 500 6 7 800 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
  // User, nice, system, interrupts and soft interrupts; not idle, waiting and stolen.
  assertEquals(busySeconds(stat), 1.63);
  const own = `1 (a (b) c) S 1 1 1 0 -1 0 0 0 0 0 ${[100, 50, 30, 20].join(" ")} 20 0 1 0`;
  assertEquals(familySeconds(own), 2);
});

Deno.test("the highest rate is found from above and from below", async () => {
  for (const limit of [900, 3_000, 16_000, 50_000, 1_000_000]) {
    const found = await highestRate((rate) => {
      const received = Math.min(rate, limit);
      return Promise.resolve({ offered: rate, received, lost: 1 - received / rate });
    });
    assert(found <= limit && found > limit / 1.08, `${found} of ${limit}`);
  }
});

Deno.test("a single burst of another program does not decide the highest rate", async () => {
  let tries = 0;
  const found = await highestRate((rate) => {
    const lost = ++tries % 2 === 1 || rate > 60_000 ? 0.5 : 0;
    return Promise.resolve({ offered: rate, received: rate * (1 - lost), lost });
  });
  assert(found > 55_000 && found <= 60_000, `${found}`);
});

Deno.test("a sender that cannot keep up ends the search, and nothing through is 0", async () => {
  const slow = await highestRate((rate) => {
    const sent = Math.min(rate, 100_000);
    return Promise.resolve({ offered: sent, received: sent, lost: 0 });
  });
  assertEquals(slow, 100_000);
  const none = await highestRate((rate) =>
    Promise.resolve({ offered: rate, received: 0, lost: 1 })
  );
  assertEquals(none, 0);
});

function roundOf(peer: string, round: number, pingMedian: number, tcpUp?: number): PeerRound {
  return {
    peer,
    round,
    figures: { pingFirstMedianMs: pingMedian, ...(tcpUp !== undefined && { tcpUpMbit: tcpUp }) },
    pingCounts: countPings([{ unixSeconds: 0, ms: pingMedian }]),
    ...(round === 1 && { minute: [{ atSeconds: 0, medianMs: pingMedian, maxMs: 9 }] }),
    others: { ping: 0.02 * round },
    failures: peer === "tinc" && round === 2 ? ["tcp: iperf3: no answer"] : [],
  };
}

const RUN: RivalsRun = {
  date: "2026-12-01",
  machine: "2 cores",
  command: "deno task bench --rivals --rounds 3",
  rounds: 3,
  parts: ["ping", "tcp"],
  peers: [
    { name: "ours", about: "this", isRival: false },
    { name: "tinc", about: "tinc 1.0", isRival: true },
    { name: "rawtun", about: "the floor", isRival: false },
  ],
  results: [
    ...[0.8, 0.7, 1].map((ms, index) => roundOf("ours", index + 1, ms, 1500 + index)),
    ...[0.5, 0.4, 0.9].map((ms, index) => roundOf("tinc", index + 1, ms, 500)),
    ...[0.2, 0.2, 0.2].map((ms, index) => roundOf("rawtun", index + 1, ms)),
  ],
  load: [0.1, 1.94],
};

Deno.test("the table has medians with their ends, and ours over the best rival, which the floor is not", () => {
  assertEquals(spreadOf(RUN, "ours", "pingFirstMedianMs"), { median: 0.8, least: 0.7, most: 1 });
  assertEquals(spreadOf(RUN, "rawtun", "tcpUpMbit"), undefined);
  const table = rivalsTable(RUN);
  const row = (title: string) => table.find(([first]) => first.startsWith(title));
  assertEquals(table[0], ["", "ours", "tinc", "rawtun", "ours ÷ best rival"]);
  assertEquals(row("ping, first seconds: median"), [
    ...["ping, first seconds: median, ms", "0.80 (0.70–1.00)", "0.50 (0.40–0.90)", "0.20"],
    "1.60 ×",
  ]);
  assertEquals(row("TCP up")?.slice(1), ["1,501 (1,500–1,502)", "500", "–", "3.00 ×"]);
  assertEquals(row("other programs")?.slice(1), ["4 (6)", "4 (6)", "4 (6)", ""]);
  const widths = formatCells(table).split("\n").map((line) => line.length);
  assertEquals(new Set(widths).size, 1);
});

Deno.test("the best is the least or the most, as the row has it", () => {
  const run = {
    ...RUN,
    peers: [...RUN.peers, { name: "n2n", about: "", isRival: true }],
    results: [...RUN.results, roundOf("n2n", 1, 0.3, 300)],
  };
  const best = (id: string) => {
    const row = ROWS.find((one) => one.id === id);
    assert(row !== undefined);
    return bestRival(run, row);
  };
  assertEquals(best("pingFirstMedianMs"), 0.3);
  assertEquals(best("tcpUpMbit"), 500);
  assertEquals(best("residentMb"), undefined);
});

Deno.test("the page names command, machine, load, peers and what failed", () => {
  const page = formatRuns(RUN, undefined);
  assertMatch(
    page,
    /`deno task bench --rivals --rounds 3`: 3 rounds, interleaved; 2 cores; load average 0\.1 before and 1\.9 after/,
  );
  assertEquals(page.includes("ping-minute.svg"), false);
  assertMatch(formatRuns(RUN, RUN), /ping-histograms\.svg[^]*ping-minute\.svg[^]*measured on 2026/);
  assertEquals(formatRuns(undefined, undefined), "No table is kept yet.");
  assertMatch(page, /^- \*\*rawtun\*\*: the floor$/m);
  assertMatch(page, /^- tinc, round 2: tcp: iperf3: no answer$/m);
});

Deno.test("a run is kept as the table's, and as that of the first minutes, if it has them", () => {
  assertEquals(splitRun(RUN).minute, undefined);
  const { rivals, minute } = splitRun({ ...RUN, parts: ["ping", "tcp", "minute"] });
  assertEquals([rivals?.parts, minute?.parts], [["ping", "tcp"], ["minute"]]);
  assertEquals(rivals?.results.length, 9);
  assertEquals(rivals?.results.some((result) => "minute" in result), false);
  assertEquals(minute?.results.map(({ peer, minute }) => [peer, minute?.length]), [
    ...RUN.peers.map(({ name }) => [name, 1]),
  ]);
  assertEquals(splitRun({ ...RUN, parts: ["minute"] }).rivals, undefined);
});

Deno.test("times lie on a scale of ratios, and what is outside at its ends", () => {
  const scale = { leastMs: 0.1, mostMs: 10, pixels: 200 };
  assertEquals([0.01, 0.1, 1, 10, 99].map((ms) => Math.round(place(scale, ms))), [
    ...[0, 0, 100, 200, 200],
  ]);
});

Deno.test("the pictures have a row for each peer that was measured", () => {
  for (const picture of [drawHistograms(RUN), drawMinute(RUN)]) {
    assertMatch(picture, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" .*>\n/);
    for (const { name } of RUN.peers) assert(picture.includes(`>${name}</text>`), name);
    assertEquals(/NaN|undefined|Infinity/.test(picture), false);
  }
  // Three pings of ours lie in different bins: three columns, in our own colour.
  assertEquals(drawHistograms(RUN).match(/<rect[^>]* fill="#0b6e4f"/g)?.length, 3);
  assertEquals(drawMinute(RUN).match(/<circle/g)?.length, 3);
  const none = { ...RUN, results: [] };
  assertEquals(/<circle|<rect x=/.test(drawMinute(none) + drawHistograms(none)), false);
});
