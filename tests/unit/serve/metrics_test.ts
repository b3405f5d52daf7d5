import { assert, assertEquals, assertMatch } from "@std/assert";
import { DROP_DESCRIPTIONS } from "../../../src/observe/drops.ts";
import { formatMetrics } from "../../../src/serve/metrics.ts";
import { mergeViews } from "../../../src/serve/merged_view.ts";
import { makePeerView, makeView, VIEW_UNIX_MS } from "./view.ts";

const SAMPLE = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (\d+(?:\.\d+)?)$/;

/** Reads the text format strictly: samples by name and labels, and each family's type. */
function parse(text: string) {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  let family = "";
  assert(text.endsWith("\n"));
  for (const line of text.trimEnd().split("\n")) {
    const head = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (head?.[1] === "HELP") {
      family = head[2];
      assert(!types.has(family), `${family} comes twice`);
      assertMatch(head[3], /\.$/);
    } else if (head !== null) {
      assertEquals(head[2], family);
      types.set(family, head[3]);
    } else {
      const [, name, labels, value] = SAMPLE.exec(line) ?? [];
      assert(name !== undefined, line);
      const suffix = name.slice(family.length);
      const suffixes = types.get(family) === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      assert(name.startsWith(family) && suffixes.includes(suffix), `${name} in ${family}`);
      const key = labels === undefined ? name : `${name}{${labels}}`;
      assert(!samples.has(key), `${key} comes twice`);
      samples.set(key, Number(value));
    }
  }
  return { samples, types };
}

Deno.test("metrics are well-formed, each counter's name ends in _total and each unit is a base unit", () => {
  const { samples, types } = parse(formatMetrics(makeView()));
  for (const [name, type] of types) {
    assertEquals(name.endsWith("_total"), type === "counter", name);
    assert(name.startsWith("lanparty_") && !/_(ms|us|kb|percent)(_|$)/.test(name), name);
    assert([...samples.keys()].some((key) => key.startsWith(name)), `${name} has no sample`);
  }
});

Deno.test("metrics hold the view's figures", () => {
  const { samples } = parse(formatMetrics(makeView()));
  const expected: Readonly<Record<string, number>> = {
    'lanparty_build_info{version="1.2.3"}': 1,
    "lanparty_uptime_seconds": 61.5,
    "lanparty_rooms": 1,
    'lanparty_peers{role="client"}': 1,
    'lanparty_peers{role="gateway"}': 1,
    "lanparty_connections": 3,
    "lanparty_queued_bytes": 200,
    'lanparty_buffer_slots{state="used"}': 10,
    'lanparty_frames_total{action="receive"}': 5,
    'lanparty_frames_total{action="send"}': 7,
    'lanparty_frame_bytes_total{action="receive"}': 500,
    'lanparty_frame_bytes_total{action="send"}': 700,
    'lanparty_drops_total{reason="dhcp-server"}': 3,
    'lanparty_handshakes_total{result="done"}': 4,
    'lanparty_handshakes_total{result="refused"}': 2,
    'lanparty_rejects_total{code="room-full"}': 6,
    'lanparty_disconnects_total{code="kicked"}': 1,
    'lanparty_bans{by="operator"}': 2,
    'lanparty_bans{by="host"}': 5,
    'lanparty_removals_total{by="operator"}': 1,
    'lanparty_removals_total{by="host"}': 3,
    "lanparty_reserved_macs": 4,
    "lanparty_certificate_expires_timestamp_seconds": VIEW_UNIX_MS / 1_000 + 90 * 86_400,
    'lanparty_loop_lag_seconds_bucket{le="0.001"}': 6,
    'lanparty_loop_lag_seconds_bucket{le="0.01"}': 9,
    'lanparty_loop_lag_seconds_bucket{le="+Inf"}': 10,
    "lanparty_loop_lag_seconds_sum": 0.5,
    "lanparty_loop_lag_seconds_count": 10,
  };
  for (const [key, value] of Object.entries(expected)) assertEquals(samples.get(key), value, key);
});

Deno.test("each reason for which a relay drops has its metric from the start", () => {
  const { samples } = parse(formatMetrics(makeView()));
  for (const { reason, side } of DROP_DESCRIPTIONS) {
    const isShown = samples.has(`lanparty_drops_total{reason="${reason}"}`);
    assertEquals(isShown, side === "relay" || side === "all", reason);
  }
});

Deno.test("nothing that a peer chose gets into the metrics, and what is odd is escaped", () => {
  const peer = makePeerView({ name: 'x"} 1\nevil 1', agent: "evil" });
  const [room] = makeView().rooms;
  const text = formatMetrics(makeView({
    version: 'a"b\\c\nd',
    rooms: [{ ...room, room: "SECRET", id: "SECRET", peers: [peer] }],
  }));
  const { samples } = parse(text);
  assertEquals(samples.get('lanparty_build_info{version="a\\"b\\\\c\\nd"}'), 1);
  for (const word of ["evil", "SECRET", "192.0.2"]) assert(!text.includes(word), word);
});

const SOON = {
  expiresUnixMs: VIEW_UNIX_MS + 5 * 86_400_000,
  finding: "The certificate expires in 5 days",
};
const NO_BANS = { operator: 0, host: 0 };

/** Two reactors, of which one is down. */
function mergedView() {
  const frame = {
    version: "1.2.3",
    unixMs: VIEW_UNIX_MS,
    uptimeMs: 90_000,
    draining: false,
    bans: NO_BANS,
    certificate: { expiresUnixMs: VIEW_UNIX_MS },
  };
  return mergeViews(frame, [
    { reactor: 0, restarts: 0, ports: [443], view: makeView() },
    { reactor: 1, restarts: 7, ports: [444] },
    {
      reactor: 2,
      restarts: 1,
      ports: [445],
      view: makeView({ connections: 4, certificate: SOON }),
    },
  ]);
}

Deno.test("reactors have samples of their own, under a label, and nothing sums them up", () => {
  const { samples, types } = parse(formatMetrics(mergedView()));
  const expected: Readonly<Record<string, number>> = {
    'lanparty_build_info{version="1.2.3"}': 1,
    'lanparty_reactor_up{reactor="0"}': 1,
    'lanparty_reactor_up{reactor="1"}': 0,
    'lanparty_reactor_restarts_total{reactor="1"}': 7,
    'lanparty_rooms{reactor="0"}': 1,
    'lanparty_connections{reactor="2"}': 4,
    'lanparty_queued_bytes{reactor="2"}': 200,
    'lanparty_peers{reactor="2",role="gateway"}': 1,
    'lanparty_frames_total{reactor="0",action="send"}': 7,
    'lanparty_rejects_total{reactor="2",code="room-full"}': 6,
    'lanparty_loop_lag_seconds_bucket{reactor="2",le="+Inf"}': 10,
    'lanparty_loop_lag_seconds_count{reactor="0"}': 10,
  };
  for (const [key, value] of Object.entries(expected)) assertEquals(samples.get(key), value, key);
  const { types: alone } = parse(formatMetrics(makeView()));
  for (const name of alone.keys()) assert(types.has(name), name);
  for (const key of samples.keys()) {
    // What is the supervisor's.
    if (/^lanparty_(build_info|bans|findings)/.test(key)) continue;
    assertMatch(key, /\{reactor="[012]"/);
    const isOfThatDown = key.includes('reactor="1"');
    if (isOfThatDown) assertMatch(key, /^lanparty_reactor_(up|restarts_total)/);
  }
});

Deno.test("the view of several reactors adds up what they say, and says where each room is", () => {
  const view = mergedView();
  assertEquals(view.connections, 7);
  assertEquals(view.slots, { total: 200, free: 180 });
  assertEquals(view.traffic.framesSent, 14);
  assertEquals(view.traffic.drops, { "dhcp-server": 6 });
  assertEquals(view.tallies.rejects, { "room-full": 12 });
  assertEquals(view.loop, {
    turns: 20,
    lagBoundsSeconds: [0.001, 0.01],
    lagCounts: [12, 6, 2],
    lagSumSeconds: 1,
  });
  assertEquals(view.certificate, SOON, "the first to expire");
  assertEquals(view.rooms.map(({ room, reactor }) => [room, reactor]), [["PARTY", 0], [
    "PARTY",
    2,
  ]]);
  assertEquals(view.reactors?.map(({ up, restarts }) => [up, restarts]), [
    [true, 0],
    [false, 7],
    [true, 1],
  ]);
  assertEquals(view.reactors?.[0].own?.uptimeMs, 61_500);
  assert(!("rooms" in view.reactors![0].own!));
});

Deno.test("a view of reactors of which none answers has all its figures, at zero", () => {
  const frame = {
    ...{ version: "1", unixMs: VIEW_UNIX_MS, uptimeMs: 0, draining: false, bans: NO_BANS },
    certificate: SOON,
  };
  const { rooms, traffic, tallies, loop, certificate, lostDatagrams } = mergeViews(frame, [
    { reactor: 0, restarts: 0, ports: [] },
  ]);
  assertEquals(rooms, []);
  assertEquals([traffic.framesSent, tallies.joins, loop.turns], [0, 0, 0]);
  assertEquals([traffic.drops, tallies.rejects], [{}, {}]);
  assertEquals(lostDatagrams, { count: 0, grantedBytes: 0 });
  assertEquals(certificate, SOON, "the supervisor's word, where no other is");
});
