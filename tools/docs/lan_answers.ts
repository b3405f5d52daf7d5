/** `docs/LAN-ANSWERS.md`: what of the answers of a LAN's servers and routers reaches a player, and why. */
import {
  DHCP_OPTIONS,
  DHCPV6_OPTIONS,
  type OptionRule,
  type Passage,
  ROUTER_OPTIONS,
} from "../../src/client/dhcp_options.ts";
import { TIME_SECONDS_MIN } from "../../src/client/dhcp_scrub.ts";
import { PRIVATE_BLOCKS } from "../../src/proto/ip_blocks.ts";

const PASSAGES: Readonly<Record<Passage, string>> = {
  always: "yes",
  "default-route": "with `--allow-lan-default-route`",
  never: "no",
};

function table(rules: readonly OptionRule[]): string {
  const rows = rules.map(({ code, name, passes, reason }) =>
    `| ${code} | ${name} | ${PASSAGES[passes]} | ${reason} |`
  );
  return ["| option | what it is | passes | why |", "|---|---|---|---|", ...rows].join("\n");
}

/** The document's text. */
export function formatLanAnswersDocument(): string {
  const blocks = PRIVATE_BLOCKS.map(({ text, source, lanPrefixBitsMin }) =>
    `| ${text} | ${source} | /${lanPrefixBitsMin} |`
  );
  return `# What a party's LAN may tell a player

Whoever answers a PC's questions for an address, or advertises a router, could take over where its packets go and who
answers for names (TunnelVision, CVE-2024-3661). In a party that is whoever plugs in a cable, whoever plays, and whoever runs
the relay. So \`lanparty-client\` lets through what a LAN needs, whatever the relay filters, and nothing else.

## The network

An address is taken where its network lies in one of these blocks and is no wider than the block, or a site:

| block | what it is | widest |
|---|---|---|
${blocks.join("\n")}

- Not where the relay's address lies in it, an address of this PC's other adapters (a VPN's, a network of containers), or what
  such an adapter's network or another route than a default one leads to (a tailnet in 100.64.0.0/10, a company's 10.0.0.0/8
  behind a VPN).
- The home may have the same network: its router and name servers are held at home by host routes, and that is said. A home is
  where the router to the internet is in the adapter's own network, and the adapter is no tunnel. The address of such a router is
  not taken: what this PC has itself it would send to nobody.
- A VPN or a network of containers that comes up with the party's network later keeps it: two routes, each to a half of it, go
  before the adapter's. Then the party is not reached, and that is said.
- \`--allow-lan-network CIDR\` allows another one, once for each: a LAN with public addresses, or the party's in the place of a
  VPN's. The relay and this PC's own addresses stay outside all the same: a network in which a VPN's own address lies cannot be
  allowed.
- With \`--allow-lan-default-route\` a network of others is taken as well, up to /8 (IPv6: /48): what is sent there goes into the
  LAN anyway.
- Such a reply does not reach the PC; it is counted as \`dhcp-network\`, and the player is told once what was offered and what to do.
- \`--address\` obeys the first rule, too, and otherwise asks for \`--allow-lan-network\`. Where a VPN has the network it keeps it
  there as well.

## DHCP

Options that are not listed never pass. Whom to boot from (\`siaddr\`, \`sname\`, \`file\`) and the relay agent are cleared. A reply is
dropped that is damaged, contradicts itself (two masks), has a mask with holes, an address or a server that no station has, or
a lease of less than ${TIME_SECONDS_MIN} seconds.

What the PC asks for (option 55) is narrowed to the same list on its way into the party.

${table(DHCP_OPTIONS)}

## DHCPv6

Options that are not listed never pass, and messages of relay agents and RECONFIGURE do not. Each address must lie in a network
as above: others are taken out, and an answer with no other is dropped.

${table(DHCPV6_OPTIONS)}

## Router advertisements

They need \`--allow-router-advertisements\` at the relay, the gateway and the client. Even then no router becomes this PC's
(its lifetime is 0, its preference the middle one), and hop limit and timers stay the PC's. A prefix passes whose network may be
the LAN's, as above. Options that are not listed never pass.

${table(ROUTER_OPTIONS)}

The kernel is set so that it would take nothing of this by itself: on Linux \`accept_ra\`, \`accept_ra_defrtr\`,
\`accept_ra_rtr_pref\`, \`accept_ra_rt_info_max_plen\`, \`accept_ra_mtu\` and \`accept_redirects\` of the adapter; on Windows its
\`RouterDiscoveryBehavior\`, \`ManagedAddressConfigurationSupported\`, \`OtherStatefulConfigurationSupported\` and
\`DisableDefaultRoutes\`, which are put back.

This file is written by \`deno task docs\`; a test fails when it is out of date.
`;
}
