/**
 * The page that shows a relay live: rooms, peers, rates and drops, with plots of the last five minutes.
 * Three texts, for a browser: nothing is fetched from anywhere else, and what peers call themselves is
 * only ever put in as text. Its program is in `page_script.ts`.
 *
 * @module
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
<section id="findings" aria-label="To look at"></section>
<section id="figures" aria-label="Now"></section>
<section id="plots" aria-label="The last five minutes"></section>
<section id="rooms" aria-label="Rooms"></section>
<section id="faults" aria-label="Drops and refusals"></section>
</main>
<noscript><p>This page needs JavaScript; <a href="/metrics">/metrics</a> does not.</p></noscript>
<footer><a href="/metrics">/metrics</a> <a href="/api/rooms">/api/rooms</a> <a href="/healthz">/healthz</a></footer>
<script src="/page.js"></script>
</body>
</html>
`;

/** Its style: one column on a phone, light or dark as the reader likes it. */
export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --line: light-dark(#dde1e8, #323843);
  --text: light-dark(#171b22, #e8ebf0);
  --soft: light-dark(#566070, #9aa4b4);
  --card: light-dark(#ffffff, #1a1d24);
  --back: light-dark(#f1f3f7, #101218);
  --in: light-dark(#0b63c4, #6db3ff);
  --out: light-dark(#0a7d4f, #58d19b);
  --bad: light-dark(#b3261e, #ff8a80);
  --warn: light-dark(#8a5a00, #f0c060);
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 16px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
header { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; }
h1 { font-size: 1.35rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
p { margin: 0; color: var(--soft); }
a { color: var(--in); }
#state::before { content: "●"; margin-right: .4rem; color: var(--soft); }
#state.live::before { color: var(--out); }
#state.lost { color: var(--bad); } #state.lost::before { color: var(--bad); }
section { display: grid; gap: .75rem; margin: .9rem 0; }
#figures { grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); }
#plots, #faults { grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .75rem .9rem; min-width: 0; }
.figure b { display: block; font-size: 1.4rem; line-height: 1.2; }
.figure span, .soft { color: var(--soft); font-size: .85rem; }
.row { display: flex; flex-wrap: wrap; gap: .15rem .8rem; align-items: baseline; }
.push { margin-left: auto; }
.key::before { content: "●"; margin-right: .3rem; }
.in { color: var(--in); } .out { color: var(--out); } .bad { color: var(--bad); }
.warn { color: var(--warn); }
.badge { border: 1px solid currentColor; border-radius: 1rem; padding: 0 .55rem; font-size: .8rem;
  white-space: nowrap; }
svg { display: block; width: 100%; height: 7.5rem; margin: .5rem 0 .2rem; overflow: visible; }
svg path { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round;
  vector-effect: non-scaling-stroke; }
svg path.area { stroke: none; fill: currentColor; opacity: .12; }
svg line { stroke: var(--line); vector-effect: non-scaling-stroke; }
summary { cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary h2::before { content: "▸"; display: inline-block; width: 1.1rem; color: var(--soft); }
details[open] summary h2::before { content: "▾"; }
table { width: 100%; border-collapse: collapse; margin-top: .5rem; }
th, td { text-align: left; padding: .35rem .4rem; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; vertical-align: top; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
th { font-weight: 600; font-size: .85rem; color: var(--soft); }
.number { text-align: right; white-space: nowrap; width: 1%; }
footer a { margin-right: 1rem; }
@media (max-width: 40rem) {
  .peers thead { display: none; }
  .peers tr { display: grid; grid-template-columns: 4.5rem 1fr 1fr auto; border-top: 1px solid var(--line);
    padding: .4rem 0; gap: .1rem .6rem; }
  .peers td { border: 0; padding: 0; width: auto; text-align: left; font-size: .95rem; }
  .peers td.wide { grid-column: 1 / -1; }
  .peers td[data-name]::before { content: attr(data-name); display: block; color: var(--soft);
    font-size: .8rem; line-height: 1.2; }
}
`;
