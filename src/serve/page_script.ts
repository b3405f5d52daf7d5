/**
 * The program of the page in `page.ts`, for a browser.
 *
 * @module
 */
import { DAILY_DROPS } from "../observe/drop_findings.ts";
import { DROP_DESCRIPTIONS } from "../observe/drops.ts";

const EXPLANATIONS = Object.fromEntries(
  DROP_DESCRIPTIONS.map(({ reason, explanation }) => [reason, explanation]),
);

/** The page's program. */
export const PAGE_SCRIPT = String.raw`"use strict";
const INTERVAL_MS = 2000;
/** While nobody looks, so that the plots go on. */
const HIDDEN_INTERVAL_MS = 10000;
/** What the plots show at most, and at least: they begin with little. */
const SHOWN_MS = 300000;
const SHOWN_MIN_MS = 60000;
/** More rooms than this are folded up at first. */
const UNFOLDED_MAX = 6;
const EXPLANATIONS = ${JSON.stringify(EXPLANATIONS)};
/** Drops that are no loss: they are shown by their names alone. */
const DAILY_DROPS = ${JSON.stringify(DAILY_DROPS.relay)};
const samples = [];
/** Rooms that the reader has opened or closed, by their ids. */
const folds = new Map();
let last;
let timer;
let asking = false;

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** What others have written: letters that run from right to left turn nothing around them. */
function isolate(text) {
  return element("bdi", "", text);
}

function fill(id, children) {
  document.getElementById(id).replaceChildren(...children);
}

function count(value) {
  if (value >= 1e6) return (value / 1e6).toFixed(1) + " M";
  if (value >= 1e4) return (value / 1e3).toFixed(1) + " k";
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}

function bits(value) {
  if (value >= 1e9) return (value / 1e9).toFixed(2) + " Gbit/s";
  if (value >= 1e6) return (value / 1e6).toFixed(1) + " Mbit/s";
  return value >= 1e4 || value === 0
    ? (value / 1e3).toFixed(0) + " kbit/s"
    : (value / 1e3).toFixed(1) + " kbit/s";
}

function perSecond(value) {
  return count(value) + "/s";
}

function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return days + " d " + hours + " h";
  return hours > 0 ? hours + " h " + minutes + " min" : minutes > 0 ? minutes + " min" : seconds + " s";
}

function several(number, one, many) {
  return number + " " + (number === 1 ? one : many);
}

function total(counts) {
  return Object.values(counts).reduce((sum, value) => sum + value, 0);
}

/** Drops that mean something. */
function losses(drops) {
  return total(drops) - DAILY_DROPS.reduce((sum, reason) => sum + (drops[reason] || 0), 0);
}

/** Rates per second of what was counted between two views; a restart begins anew. */
function rates(now, before, seconds) {
  const per = (a, b) => seconds > 0 && a >= b ? (a - b) / seconds : 0;
  const from = before || now;
  return {
    framesIn: per(now.framesReceived, from.framesReceived),
    framesOut: per(now.framesSent, from.framesSent),
    bitsIn: 8 * per(now.bytesReceived, from.bytesReceived),
    bitsOut: 8 * per(now.bytesSent, from.bytesSent),
    drops: per(losses(now.drops), losses(from.drops)),
  };
}

function sum(list) {
  return list.reduce((all, one) => {
    for (const key in one) all[key] = (all[key] || 0) + one[key];
    return all;
  }, { framesIn: 0, framesOut: 0, bitsIn: 0, bitsOut: 0, drops: 0 });
}

/** How late 99 of 100 turns of the loop were at most, since the view before. */
function lag(view) {
  const before = last ? last.loop.lagCounts : [];
  const counts = view.loop.lagCounts.map((value, i) => Math.max(0, value - (before[i] || 0)));
  let rest = 0.99 * total(counts);
  const range = counts.findIndex((value) => (rest -= value) <= 0);
  const bound = view.loop.lagBoundsSeconds[range];
  return bound === undefined ? "> 500 ms" : "≤ " + bound * 1000 + " ms";
}

function figure(name, text, className) {
  return element("div", "card figure", element("b", className || "", text), element("span", "", name));
}

const SVG = "http://www.w3.org/2000/svg";

function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  return made;
}

/** A round number that is not less. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}

function plot(title, unit, lines) {
  const peak = Math.max(...lines.flatMap(({ key }) => samples.map((sample) => sample[key])));
  const top = ceiling(Math.max(1, peak));
  const svg = drawn("svg", {
    viewBox: "0 0 300 100",
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": title,
  });
  for (const y of [0, 50, 100]) svg.append(drawn("line", { x1: 0, x2: 300, y1: y, y2: y }));
  const now = samples[samples.length - 1];
  const shownMs = now ? Math.max(SHOWN_MIN_MS, now.unixMs - samples[0].unixMs) : SHOWN_MIN_MS;
  for (const { key, kind } of lines) {
    const points = samples.map((sample) => {
      const x = 300 - 300 * (now.unixMs - sample.unixMs) / shownMs;
      return x.toFixed(1) + " " + (100 - 100 * sample[key] / top).toFixed(1);
    });
    if (points.length === 0) continue;
    const line = "M" + points.join("L");
    const [first] = points[0].split(" ");
    svg.append(
      drawn("path", { class: "area " + kind, d: line + "L300 100L" + first + " 100Z" }),
      drawn("path", { class: "line " + kind, d: line }),
    );
  }
  const head = element("div", "row", element("h2", "", title));
  for (const { key, name, kind } of lines) {
    const text = (name ? name + " " : "") + (now ? unit(now[key]) : "–");
    head.append(element("span", "soft key " + kind, text));
  }
  const foot = element(
    "div",
    "row soft",
    element("span", "", duration(shownMs) + " ago"),
    element("span", "push", "top " + unit(top)),
    element("span", "push", "now"),
  );
  return element("div", "card plot", head, svg, foot);
}

function cell(name, text, className) {
  const made = element("td", className, text);
  if (name) made.dataset.name = name;
  return made;
}

function peerRow(peer, rate, nowMs) {
  const isGateway = peer.role === "gateway";
  const called = isGateway ? "gateway" : isolate(peer.name || "player");
  const who = element("span", "", called, " #" + peer.peerId);
  const since = "here for " + duration(nowMs - peer.joinedUnixMs);
  const more = [isGateway ? peer.name : peer.mac, peer.address, peer.agent, since];
  const first = cell("", who, "wide");
  const line = more.filter(Boolean).flatMap((text, i) => [i > 0 ? " · " : "", isolate(text)]);
  first.append(element("div", "soft", ...line));
  const drops = losses(peer.traffic.drops);
  const why = Object.entries(peer.traffic.drops).map(([reason, value]) => reason + ": " + value);
  const dropped = cell("drops", count(drops), "number" + (rate.drops > 0 ? " bad" : ""));
  dropped.title = why.join("\n");
  return element(
    "tr",
    "",
    first,
    cell("ping", peer.rttMs.toFixed(1) + " ms", "number"),
    cell("from it", bits(rate.bitsIn), "number in"),
    cell("to it", bits(rate.bitsOut), "number out"),
    dropped,
  );
}

function peersTable(room, peerRates, nowMs) {
  const head = element("tr");
  for (const name of ["peer", "ping", "from it", "to it", "drops"]) {
    head.append(element("th", name === "peer" ? "" : "number", name));
  }
  const body = element("tbody");
  room.peers.forEach((peer, i) => body.append(peerRow(peer, peerRates[i], nowMs)));
  return element("table", "peers", element("thead", "", head), body);
}

function roomCard(room, before, seconds, view) {
  const peerRates = room.peers.map((peer) => {
    const old = before && before.peers.find((one) => one.peerId === peer.peerId);
    return rates(peer.traffic, old && old.traffic, seconds);
  });
  const rate = sum(peerRates);
  const line = element("summary", "row", element("h2", "", room.id));
  line.append(
    room.gatewayPresent
      ? element("span", "badge out", "gateway")
      : element("span", "badge warn", "no gateway"),
  );
  if (room.locked) line.append(element("span", "badge bad", "locked"));
  if (room.reactor !== undefined) line.append(element("span", "badge", "reactor " + room.reactor));
  line.append(
    element("span", "soft", several(room.peers.length, "peer", "peers")),
    element("span", "soft", "MTU " + room.tapMtu),
    element("span", "soft", "open for " + duration(view.unixMs - room.openedUnixMs)),
    element("span", "soft push", perSecond(rate.framesIn) + " in, " + perSecond(rate.framesOut) + " out"),
  );
  const card = element("details", "card room", line);
  const isOpen = folds.has(room.id) ? folds.get(room.id) : view.rooms.length <= UNFOLDED_MAX;
  card.open = isOpen;
  if (isOpen) card.append(peersTable(room, peerRates, view.unixMs));
  line.addEventListener("click", (event) => {
    event.preventDefault();
    folds.set(room.id, !card.open);
    card.open = !card.open;
    if (card.open && card.children.length === 1) {
      card.append(peersTable(room, peerRates, view.unixMs));
    }
  });
  return { card, frames: rate.framesIn + rate.framesOut };
}

function countsCard(id, title, nothing, counts, before, seconds, explain) {
  const card = element("div", "card", element("h2", "", title));
  card.id = id;
  const rows = Object.entries(counts).filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]);
  if (rows.length === 0) return card.append(element("p", "", nothing)), card;
  const body = element("tbody");
  for (const [name, value] of rows) {
    const first = cell("", name, "");
    const why = explain(name);
    if (why) first.append(element("div", "soft", why));
    const rate = before && seconds > 0 ? Math.max(0, value - (before[name] || 0)) / seconds : 0;
    body.append(element(
      "tr",
      "",
      first,
      cell("", rate > 0 ? perSecond(rate) : "", "number bad"),
      cell("", count(value), "number"),
    ));
  }
  card.append(element("table", "", body));
  return card;
}

function show(view) {
  const seconds = last ? (view.unixMs - last.unixMs) / 1000 : 0;
  const rate = rates(view.traffic, last && last.traffic, seconds);
  if (seconds > 0) samples.push({ ...rate, unixMs: view.unixMs });
  while (samples.length > 0 && samples[0].unixMs < view.unixMs - SHOWN_MS) samples.shift();
  const state = document.getElementById("state");
  const down = (view.reactors || []).filter(({ up }) => !up).map(({ reactor }) => reactor);
  state.className = down.length > 0 ? "lost" : "live";
  state.textContent = (view.draining ? "draining · " : "") +
    (down.length > 0 ? "down: reactor " + down.join(", ") + " · " : "") + "version " + view.version +
    " · up for " + duration(view.uptimeMs);
  fill("findings", view.findings.map((one) => {
    return element("p", "card bad", one.advice ? one.what + " " + one.advice : one.what);
  }));
  const used = view.slots.total > 0 ? 1 - view.slots.free / view.slots.total : 0;
  fill("figures", [
    figure("rooms", count(view.rooms.length)),
    figure("peers", count(view.rooms.reduce((all, room) => all + room.peers.length, 0))),
    figure("connections", count(view.connections)),
    figure("bans", count(view.bans.operator + view.bans.host)),
    figure("drops now", perSecond(rate.drops), rate.drops > 0 ? "bad" : ""),
    figure("loop's lag, 99 %", lag(view)),
    figure("buffers in use", (100 * used).toFixed(0) + " %", used > 0.8 ? "bad" : ""),
  ]);
  fill("plots", [
    plot("Bandwidth", bits, [
      { key: "bitsIn", name: "in", kind: "in" },
      { key: "bitsOut", name: "out", kind: "out" },
    ]),
    plot("Frames", perSecond, [
      { key: "framesIn", name: "in", kind: "in" },
      { key: "framesOut", name: "out", kind: "out" },
    ]),
    plot("Drops", perSecond, [{ key: "drops", name: "", kind: "bad" }]),
  ]);
  const rooms = view.rooms.map((room) => {
    const before = last && last.rooms.find((one) => one.id === room.id);
    return roomCard(room, before, seconds, view);
  });
  const cards = rooms.map(({ card }) => card);
  fill("rooms", cards.length > 0 ? cards : [element("p", "card", "Nobody is here.")]);
  const { rejects, disconnects } = view.tallies;
  const were = last && last.tallies;
  fill("faults", [
    countsCard("drops", "Drops since the start", "None.", view.traffic.drops,
      last && last.traffic.drops, seconds, (reason) => EXPLANATIONS[reason]),
    countsCard("refusals", "Refused and sent away", "Nobody.",
      { ...rejects, ...disconnects }, were && { ...were.rejects, ...were.disconnects }, seconds,
      (code) => code in rejects ? "not let in" : "sent away"),
  ]);
  last = view;
}

async function refresh() {
  if (asking) return;
  asking = true;
  try {
    const response = await fetch("/api/rooms");
    if (!response.ok) throw new Error(String(response.status));
    show(await response.json());
  } catch {
    const state = document.getElementById("state");
    state.className = "lost";
    state.textContent = "the relay does not answer";
  }
  asking = false;
  timer = setTimeout(refresh, document.hidden ? HIDDEN_INTERVAL_MS : INTERVAL_MS);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  clearTimeout(timer);
  timer = setTimeout(refresh, 0);
});

refresh();
`;
