/**
 * The page that shows a relay live: rooms, peers, rates and drops, with plots of the last five minutes.
 * Three texts, for a browser: nothing is fetched from anywhere else, and what peers call themselves is
 * only ever put in as text.
 */

/** The document. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>lanparty relay</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
</head>
<body>
<header><h1>lanparty relay</h1><p id="state" role="status">loading …</p></header>
<main>
<section id="figures" aria-label="Now"></section>
<section id="plots" aria-label="The last five minutes"></section>
<section id="rooms" aria-label="Rooms"></section>
<section id="drops" aria-label="Drops"></section>
</main>
<noscript>This page needs JavaScript; <a href="/metrics">/metrics</a> does not.</noscript>
<footer><a href="/metrics">/metrics</a> <a href="/api/rooms">/api/rooms</a> <a href="/healthz">/healthz</a></footer>
<script src="/page.js"></script>
</body>
</html>
`;

/** Its style: one column on a phone, light or dark as the reader likes it. */
export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --line: light-dark(#d5d9e0, #363b45);
  --soft: light-dark(#5b6472, #9aa3b2);
  --card: light-dark(#ffffff, #1b1e24);
  --back: light-dark(#f3f4f7, #121419);
  --in: light-dark(#0b63c4, #6db3ff);
  --out: light-dark(#0a7d4f, #58d19b);
  --bad: light-dark(#b3261e, #ff8a80);
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--back);
  font: 16px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; }
h1 { font-size: 1.3rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 0 0 .4rem; }
p { margin: .2rem 0; color: var(--soft); }
section { display: grid; gap: .7rem; margin: .8rem 0; }
#figures { grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); }
#plots { grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem;
  min-width: 0; }
.figure b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.figure span, .soft { color: var(--soft); font-size: .85rem; }
svg { display: block; width: 100%; height: 6rem; }
svg path { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
.in { stroke: var(--in); color: var(--in); } .out { stroke: var(--out); color: var(--out); }
.bad { stroke: var(--bad); color: var(--bad); }
svg line { stroke: var(--line); vector-effect: non-scaling-stroke; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .4rem; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; vertical-align: top; }
th { font-weight: 600; font-size: .85rem; color: var(--soft); }
.number { text-align: right; white-space: nowrap; }
footer a { margin-right: 1rem; }
@media (max-width: 40rem) {
  thead { display: none; }
  tr { display: grid; grid-template-columns: 1fr 1fr; border-top: 1px solid var(--line);
    padding: .3rem 0; }
  td { border: 0; padding: .1rem .2rem; }
  td.wide { grid-column: 1 / -1; }
  td[data-name]::before { content: attr(data-name) " "; color: var(--soft); font-size: .85rem; }
  .number { text-align: left; }
}
`;

/** Its program. */
export const PAGE_SCRIPT = String.raw`"use strict";
const INTERVAL_MS = 2000;
const SAMPLES_MAX = 150;
const samples = [];
let last;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function fill(id, children) {
  document.getElementById(id).replaceChildren(...children);
}

function count(value) {
  if (value >= 1e6) return (value / 1e6).toFixed(1) + " M";
  if (value >= 1e4) return (value / 1e3).toFixed(1) + " k";
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}

function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return days + " d " + hours + " h";
  return hours > 0 ? hours + " h " + minutes + " min" : minutes > 0 ? minutes + " min" : seconds + " s";
}

function total(drops) {
  return Object.values(drops).reduce((sum, value) => sum + value, 0);
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
    drops: per(total(now.drops), total(from.drops)),
  };
}

function bits(value) {
  return value >= 1e6 ? (value / 1e6).toFixed(1) + " Mbit/s" : (value / 1e3).toFixed(1) + " kbit/s";
}

function figure(name, text) {
  const card = element("div", "card figure");
  card.append(element("b", "", text), element("span", "", name));
  return card;
}

const SVG = "http://www.w3.org/2000/svg";

function plot(title, unit, lines) {
  const card = element("div", "card plot");
  const top = Math.max(1, ...lines.flatMap(({ key }) => samples.map((sample) => sample[key])));
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 " + (SAMPLES_MAX - 1) + " 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  const base = document.createElementNS(SVG, "line");
  for (const [name, value] of [["x1", 0], ["x2", SAMPLES_MAX - 1], ["y1", 99], ["y2", 99]]) {
    base.setAttribute(name, value);
  }
  svg.append(base);
  for (const { key, kind } of lines) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", kind);
    const start = SAMPLES_MAX - samples.length;
    path.setAttribute("d", samples.map((sample, i) =>
      (i === 0 ? "M" : "L") + (start + i) + " " + (98 - 95 * sample[key] / top).toFixed(1)
    ).join(" "));
    svg.append(path);
  }
  const head = element("h2", "", title + " ");
  for (const { name, kind } of lines) head.append(element("span", "soft " + kind, name + " "));
  card.append(head, svg, element("span", "soft", "5 min · top " + unit(top)));
  return card;
}

function cell(name, text, className) {
  const made = element("td", className, text);
  if (name) made.dataset.name = name;
  return made;
}

function peerRow(peer, before, seconds, nowMs) {
  const rate = rates(peer.traffic, before && before.traffic, seconds);
  const row = element("tr");
  const who = (peer.role === "gateway" ? "gateway" : peer.name || "player") + " #" + peer.peerId;
  const first = cell("", who, "wide");
  const more = [peer.role === "gateway" ? peer.name : peer.mac, peer.address, peer.agent];
  first.append(element("div", "soft", more.filter(Boolean).join(" · ")));
  row.append(
    first,
    cell("ping", peer.rttMs.toFixed(1) + " ms", "number"),
    cell("in", bits(rate.bitsIn), "number"),
    cell("out", bits(rate.bitsOut), "number"),
    cell("drops", count(total(peer.traffic.drops)), "number"),
    cell("for", duration(nowMs - peer.joinedUnixMs), "number"),
  );
  return row;
}

function roomCard(room, before, seconds, nowMs) {
  const card = element("div", "card room");
  card.append(element("h2", "", room.id));
  const facts = [
    room.peers.length === 1 ? "1 peer" : room.peers.length + " peers",
    room.gatewayPresent ? "gateway is here" : "no gateway",
    "MTU " + room.tapMtu,
    "open for " + duration(nowMs - room.openedUnixMs),
  ];
  if (room.locked) facts.push("locked");
  card.append(element("p", room.gatewayPresent ? "" : "bad", facts.join(" · ")));
  const table = element("table");
  const head = element("tr");
  for (const name of ["peer", "ping", "from it", "to it", "drops", "since"]) {
    head.append(element("th", name === "peer" ? "" : "number", name));
  }
  const thead = element("thead");
  thead.append(head);
  const body = element("tbody");
  for (const peer of room.peers) {
    const old = before && before.peers.find((one) => one.peerId === peer.peerId);
    body.append(peerRow(peer, old, seconds, nowMs));
  }
  table.append(thead, body);
  card.append(table);
  return card;
}

function dropsCard(drops) {
  const card = element("div", "card");
  card.append(element("h2", "", "Drops since the start"));
  const rows = Object.entries(drops).sort((a, b) => b[1] - a[1]);
  if (rows.length === 0) card.append(element("p", "", "none"));
  const table = element("table");
  const body = element("tbody");
  for (const [reason, value] of rows) {
    const row = element("tr");
    row.append(cell("", reason), cell("", count(value), "number"));
    body.append(row);
  }
  table.append(body);
  card.append(table);
  return card;
}

function show(view) {
  const seconds = last ? (view.unixMs - last.unixMs) / 1000 : 0;
  const rate = rates(view.traffic, last && last.traffic, seconds);
  if (seconds > 0) samples.push(rate);
  if (samples.length > SAMPLES_MAX) samples.shift();
  const peers = view.rooms.reduce((sum, room) => sum + room.peers.length, 0);
  document.getElementById("state").textContent = (view.draining ? "draining · " : "") +
    view.version + " · up for " + duration(view.uptimeMs);
  fill("figures", [
    figure("rooms", count(view.rooms.length)),
    figure("peers", count(peers)),
    figure("frames/s in", count(rate.framesIn)),
    figure("frames/s out", count(rate.framesOut)),
    figure("drops/s", count(rate.drops)),
    figure("refused hellos", count(total(view.tallies.rejects))),
  ]);
  fill("plots", [
    plot("Bandwidth", bits, [
      { key: "bitsIn", name: "in", kind: "in" },
      { key: "bitsOut", name: "out", kind: "out" },
    ]),
    plot("Frames", (value) => count(value) + "/s", [
      { key: "framesIn", name: "in", kind: "in" },
      { key: "framesOut", name: "out", kind: "out" },
    ]),
    plot("Drops", (value) => count(value) + "/s", [{ key: "drops", name: "", kind: "bad" }]),
  ]);
  const rooms = view.rooms.map((room) => {
    const before = last && last.rooms.find((one) => one.id === room.id);
    return roomCard(room, before, seconds, view.unixMs);
  });
  fill("rooms", rooms.length > 0 ? rooms : [element("p", "", "Nobody is here.")]);
  fill("drops", [dropsCard(view.traffic.drops)]);
  last = view;
}

async function refresh() {
  try {
    if (!document.hidden) {
      const response = await fetch("/api/rooms");
      if (!response.ok) throw new Error(String(response.status));
      show(await response.json());
    }
  } catch {
    document.getElementById("state").textContent = "the relay does not answer";
  }
  setTimeout(refresh, INTERVAL_MS);
}

refresh();
`;
