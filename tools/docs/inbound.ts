/** `docs/INBOUND.md`: the ports that `--allow-inbound` leaves shut, and why. */
import { CLOSED_PORTS, openPorts } from "../../src/client/inbound_rules.ts";

/** The document's text. */
export function formatInboundDocument(): string {
  const rows = CLOSED_PORTS.map(({ first, last, protocol, service, reason }) => {
    const ports = first === last ? `${first}` : `${first}–${last}`;
    const protocols = protocol === "both" ? "TCP, UDP" : protocol;
    return `| ${ports} | ${protocols} | ${service} | ${reason} |`;
  });
  return `# What \`--allow-inbound\` lets in

On Windows, while the client runs, four rules of the firewall let the LAN reach games that the player hosts: TCP, UDP, and
echo requests (ping) of IPv4 and IPv6. They are for the party's adapter alone, for the networks of its own addresses alone
(an IPv4 network is never wider than the private block that it lies in, or than /16; one of IPv6 never wider than /64;
fe80::/64 is always among them), and for all ports but these:

| port | protocol | what listens there | why it stays shut |
|---|---|---|---|
${rows.join("\n")}

\`--allow-inbound-port N\` opens one of them, for TCP and UDP; it may be given several times. Rules that the player, or another
program, has made are not touched: what they let in comes in. Ports that are not in the list are open because a game may use
them: databases, web servers and whatever else the player has installed are reached, too, if they listen on the adapter.

The rules' lists are \`${openPorts("UDP", [])}\` for UDP and
\`${openPorts("TCP", [])}\` for TCP.

This file is written by \`deno task docs\`; a test fails when it is out of date.
`;
}
