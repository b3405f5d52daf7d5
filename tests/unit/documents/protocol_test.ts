/** PROTOCOL.md is the contract: what it says in tables must be what the code does. */

import { assert, assertEquals } from "@std/assert";
import * as address from "../../../src/control/address.ts";
import * as framing from "../../../src/control/framing.ts";
import * as hostMessages from "../../../src/control/host_messages.ts";
import * as messages from "../../../src/control/messages.ts";
import * as room from "../../../src/control/room.ts";
import * as schema from "../../../src/control/schema.ts";
import * as backoff from "../../../src/endpoint/backoff.ts";
import * as pathBudget from "../../../src/endpoint/path_budget.ts";
import * as reconnection from "../../../src/endpoint/reconnection.ts";
import * as session from "../../../src/endpoint/session_state.ts";
import * as camRefresh from "../../../src/gateway/cam_refresh.ts";
import { DROP_REASONS } from "../../../src/observe/drops.ts";
import * as cleanText from "../../../src/proto/clean_text.ts";
import * as datagram from "../../../src/proto/datagram.ts";
import * as ethernet from "../../../src/proto/ethernet.ts";
import * as mtu from "../../../src/proto/mtu.ts";
import * as reassembly from "../../../src/proto/reassembly.ts";
import { QUEUE_BYTES_MAX, SOJOURN_MAX_MS } from "../../../src/queue/fair_queue.ts";
import {
  LAN_MAC_AGE_MS,
  STATION_FRAMES_MIN,
  STATION_SILENCE_MAX_MS,
} from "../../../src/relay/lan_macs.ts";
import * as limits from "../../../src/relay/limits.ts";
import { LOCK_AGAIN_MS } from "../../../src/gateway/host_requests.ts";
import * as removal from "../../../src/relay/limits_removal.ts";
import * as roomMtu from "../../../src/relay/room_mtu.ts";
import { GATEWAY_SHARE, PEER_LIMITS } from "../../../src/relay/peer_limits.ts";
import { SHARE_LIMITS } from "../../../src/relay/shares.ts";

const TEXT = Deno.readTextFileSync(new URL("../../../src/proto/PROTOCOL.md", import.meta.url));

const CONSTANTS: Record<string, unknown> = {
  ...address,
  ...framing,
  ...messages,
  ...room,
  ...schema,
  ...backoff,
  ...reconnection,
  ...session,
  ...camRefresh,
  ...cleanText,
  ...datagram,
  ...ethernet,
  ...mtu,
  ...reassembly,
  ...limits,
  ...hostMessages,
  ...removal,
  ...pathBudget,
  ...roomMtu,
};

/** The part under a heading, up to the next one of the same depth or a higher one. */
function sectionOf(heading: string): string {
  const start = TEXT.indexOf(`\n${heading}`);
  assert(start >= 0, heading);
  const rest = TEXT.slice(start + 1 + heading.length);
  const end = rest.search(new RegExp(`^#{1,${heading.indexOf(" ")}} `, "m"));
  return end < 0 ? rest : rest.slice(0, end);
}

/** What stands in backticks in one column of a part's tables, in their order. */
function column(section: string, index: number): string[] {
  return section.split("\n").filter((line) => /^\|/.test(line)).flatMap((line) =>
    Array.from((line.split("|")[index] ?? "").matchAll(/`([^`]+)`/g), (match) => match[1])
  );
}

Deno.test("the protocol's document gives each constant the value that it has", () => {
  const rows = [...sectionOf("## 13.").matchAll(/^\| `([A-Z_]+)` +\| (\d+) +\|/gm)];
  assert(rows.length >= 40, `${rows.length} rows`);
  for (const [, name, value] of rows) assertEquals(CONSTANTS[name], Number(value), name);
  assertEquals(new Set(rows.map(([, name]) => name)).size, rows.length);
});

Deno.test("the protocol's document names each code, in the order of the checks", () => {
  const rejects = column(sectionOf("### 7.1"), 2).filter((code) =>
    code !== "disconnect" && code !== "protocol-error" && code !== "redirect"
  );
  // A valid protocol is looked for twice: before and behind its version.
  assertEquals(rejects.slice(0, 2), ["invalid-hello", "protocol-version"]);
  assertEquals(new Set(rejects), new Set(messages.REJECT_CODES));
  assertEquals(
    rejects.slice(3),
    messages.REJECT_CODES.filter((code) => rejects.indexOf(code) >= 3),
  );
  const disconnects = column(sectionOf("### 6.6"), 1).filter((code) =>
    !["type", "code", "message", "retryAfterMs", "by", "forMs"].includes(code)
  );
  assertEquals(disconnects, [...messages.DISCONNECT_CODES]);
  const [requests] = sectionOf("### 6.7").split("field of `hostAnswer`");
  const actions = column(requests, 1).filter((name) =>
    (hostMessages.HOST_ACTIONS as readonly string[]).includes(name)
  );
  assertEquals(actions, [...hostMessages.HOST_ACTIONS]);
  assertEquals(column(sectionOf("### 6.8"), 1), Object.values(messages.Feature));
  for (const reason of messages.LEAVE_REASONS) {
    assert(sectionOf("### 6.4").includes(`\`${reason}\``), reason);
  }
});

Deno.test("the protocol's document names each reason of malformed and contradicting pieces", () => {
  const malformed = new Set(column(sectionOf("## 8."), 3));
  assertEquals(malformed, new Set(Object.keys(datagram.MalformedReason)));
  const drops = new Set(column(sectionOf("### 9.2"), 3));
  assertEquals(drops, new Set(Object.keys(reassembly.ReassemblyDrop)));
});

Deno.test("the protocol's document names filters as the counters do", () => {
  const rules = column(sectionOf("## 11."), 4).filter((name) => name !== "malformed-…");
  assertEquals(rules.length, 19, `${rules}`);
  const known = new Set<string>(DROP_REASONS);
  for (const name of rules) assert(known.has(name), name);
  for (const name of ["no-target", "own-destination", "no-gateway", "unknown-destination"]) {
    assert(sectionOf("## 11.").includes(`\`${name}\``) && known.has(name), name);
  }
});

Deno.test("the protocol's document gives this project's own bounds as they are", () => {
  const flat = TEXT.replace(/\s+/g, " ");
  const bounds: [RegExp, number][] = [
    [/bounded in bytes \(this project: ([\d,]+)\)/, QUEUE_BYTES_MAX],
    [/and in time \((\d+) ms\); the oldest is dropped/, SOJOURN_MAX_MS],
    [/does not read them \(this project: ([\d,]+) and/, limits.CONTROL_UNSENT_BYTES],
    [/and ([\d,]+) for each peer that a room may have/, limits.CONTROL_UNSENT_PEER_BYTES],
    [/treat more than (\d+) control messages within 10 s/, limits.CONTROL_MESSAGES_MAX],
    [/This project keeps at most ([\d,]+) frames open/, reassembly.OPEN_FRAMES_MAX],
    [/`bandwidth-limit` \|[^|]*\|[^|]*\| ([\d,]+) a second/, PEER_LIMITS.bytesPerSecond],
    [/`broadcast-limit` \|[^|]*\|[^|]*\| ([\d,]+) a second/, PEER_LIMITS.floodFramesPerSecond],
    [/a second, ([\d,]+) bytes a second/, PEER_LIMITS.floodBytesPerSecond],
    [/has sent nothing in the last (\d+) minutes/, LAN_MAC_AGE_MS / 60_000],
    [/number \(this project: ([\d,]+) in a room/, removal.ROOM_BANS_MAX],
    [/in a room, ([\d,]+) of one site/, removal.HOST_BANS_PER_SITE_MAX],
    [/of one site, ([\d,]+) over all; then/, removal.HOST_BANS_MAX],
    [/end after (\d+) days at the latest/, removal.HOST_BAN_MAX_MS / 86_400_000],
    [/(\d+) MACs for one site/, removal.RESERVATIONS_PER_SITE_MAX],
    [/for one site and (\d+) in a room/, removal.RESERVATIONS_PER_ROOM_MAX],
    [/players, ([\d,]+) over all; the oldest/, removal.RESERVATIONS_MAX],
    [/\(this project: (\d+) s\) after its welcome/, LOCK_AGAIN_MS / 1_000],
    [/has sent at least (\d+) frames from it/, STATION_FRAMES_MIN],
    [/none of them (\d+) s after the one before/, STATION_SILENCE_MAX_MS / 1_000],
    [/-limit` \|[^|]*\|[^|]*minutes \| ([\d,]+) a second/, PEER_LIMITS.unknownFramesPerSecond],
    [/times their receivers \| ([\d,]+) deliveries a second/, SHARE_LIMITS.deliveriesPerSecond],
    [/times their receivers \| ([\d,]+) delivered a second/, SHARE_LIMITS.bytesPerSecond],
  ];
  for (const [pattern, bound] of bounds) {
    assertEquals(Number(pattern.exec(flat)?.[1].replaceAll(",", "")), bound, `${pattern}`);
  }
  assertEquals([PEER_LIMITS.burstMs, SHARE_LIMITS.burstMs, GATEWAY_SHARE], [1_000, 1_000, 4]);
  assert(
    flat.includes("A second's worth may come at once.") && flat.includes("four times as much"),
  );
});
