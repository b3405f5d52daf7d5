/** `docs/INBOUND.md`: the ports that `--allow-inbound` leaves shut, and why. */
import { CLOSED_PORTS, openPorts } from "../../src/client/inbound_rules.ts";

/** The document's text. */
export function formatInboundDocument(): string {
  const rows = CLOSED_PORTS.map(({ first, last, protocol, service, reason, only }) => {
    const ports = first === last ? `${first}` : `${first}–${last}`;
    const protocols = protocol === "both" ? "TCP, UDP" : protocol;
    const where = only === "windows" ? " (on Windows)" : "";
    return `| ${ports}${where} | ${protocols} | ${service} | ${reason} |`;
  });
  return `# What \`--allow-inbound\` lets in

While the client runs, rules of the PC's firewall let the LAN reach games that the player hosts: TCP, UDP, and
echo requests (ping) of IPv4 and IPv6. They are for the party's adapter alone, for the networks of its own addresses alone
(an IPv4 network is never wider than the private block that it lies in, or than /16; one of IPv6 never wider than /64;
fe80::/64 is always among them), and for all ports but these:

| port | protocol | what listens there | why it stays shut |
|---|---|---|---|
${rows.join("\n")}

\`--allow-inbound-port N\` opens one of them, for TCP and UDP; it may be given several times. Rules that the player, or another
program, has made are not touched: what they let in comes in. Ports that are not in the list are open because a game may use
them: databases, web servers and whatever else the player has installed are reached, too, if they listen on the adapter.

## Which firewalls

| firewall | what is done | what takes it back |
|---|---|---|
| Windows' | four rules (TCP, UDP, ping of IPv4 and IPv6) in all profiles | the client's end; after a crash its next start, or \`lanparty-client reset\` |
| ufw, iptables, ip6tables (over nftables, and the older form) | a chain \`lanparty-ADAPTER\` that \`INPUT\` calls first for the adapter | the same; a restart of the system |
| nftables | rules at the head of each chain for what comes in that refuses anything, with the comment \`lanparty-client ADAPTER\` | the same; loading the rules anew (they are made again within seconds) |
| firewalld | a zone that nobody uses (\`block\`, else \`drop\` and others) gets the adapter, and rules; nothing permanent | the same; \`firewall-cmd --reload\` (they are made again within seconds) |

A Linux PC may have several, and all of them have to let the LAN in. What the client says afterwards is no hope: it sends itself a
datagram by the adapter, as a station of the LAN would unasked, and looks whether it comes in: at the start, when its address
changes, when rules of nftables are changed (as all but the older form of iptables are made of), and each 10 s. Without \`--allow-inbound\` it does so, too: a firewall that keeps the LAN out is named in the log and
by \`lanparty-client doctor\`, since it swallows the answers to a game's search as well (they come from where nobody was asked).

The rules' lists are \`${openPorts("UDP", [])}\` for UDP and
\`${openPorts("TCP", [])}\` for TCP, on Linux \`${openPorts("TCP", [], "linux")}\`.

This file is written by \`deno task docs\`; a test fails when it is out of date.
`;
}
