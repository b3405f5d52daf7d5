/**
 * `docs/DROPS.md`: every reason for which a frame is dropped, what it means, who drops for it, and how the
 * tests make the relay do so.
 */
import { DROP_DESCRIPTIONS, type DropSide } from "../../src/observe/drops.ts";
import { INNER_WAYS, OUTER_WAYS } from "../lab/relay_drop_ways.ts";

const WAYS: Readonly<Record<string, string>> = { ...OUTER_WAYS, ...INNER_WAYS };

const SIDES: Readonly<Record<DropSide, string>> = {
  all: "relay, gateway, client",
  endpoints: "gateway, client",
  relay: "relay",
  gateway: "gateway",
  client: "client",
};

/** Whether the relay drops for a reason of this side. */
export function isRelays(side: DropSide): boolean {
  return side === "all" || side === "relay";
}

/** The document's text. */
export function formatDropsDocument(): string {
  const rows = DROP_DESCRIPTIONS.map(({ reason, side, explanation }) => {
    const way = WAYS[reason];
    const provoked = way === undefined ? "–" : `${way}${reason in INNER_WAYS ? " ²" : " ¹"}`;
    return `| \`${reason}\` | ${explanation} | ${SIDES[side]} | ${provoked} |`;
  });
  const relays = DROP_DESCRIPTIONS.filter(({ side }) => isRelays(side)).length;
  return `# Why frames are dropped

Every frame that a program drops is counted under one of these names: in \`stats\` messages, \`/metrics\`
(\`lanparty_drops_total{reason="…"}\`), \`/api/rooms\`, on the relay's page, and in frame logs.

Of the ${rows.length} reasons, ${relays} are the relay's, too. Each of those is provoked at a relay over real QUIC by
\`tests/integration/relay/drops_test.ts\`, in the way of the last column: ¹ at the compiled executable, by whoever is on
the network; ² at the same core and shell inside the test's process, with bounds that are reached.

| reason | what it means | who drops for it | how it is provoked at the relay |
|---|---|---|---|
${rows.join("\n")}

This file is written by \`deno task docs\`; a test fails when it is out of date, or when a reason of the relay's is not
provoked.
`;
}
