/**
 * The command line of `lanparty-client`.
 *
 * @module
 */
import { LanNetworks, NetworkVerdict, parseLanNetwork } from "../client/lan_networks.ts";
import { TAP_NAME_DEFAULT } from "../link/tap.ts";
import { formatCidr, type IpNetwork, IPV4_BYTES, networkOf, parseCidr } from "../proto/ip.ts";
import { isIdentityMac, parseMac } from "../proto/mac.ts";
import type { ClientProgramOptions } from "../programs/client/program.ts";
import { UserError } from "../log/user_error.ts";
import { CHECK_CONFIG, FRAME_LOG, STATE_DIR } from "./common_options.ts";
import { LINK_COMMANDS } from "./link_start.ts";
import { INVITE, INVITE_FILE } from "./invite_options.ts";
import { keyOf, keyOptions, RELAY, RELAY_ACCESS, relayAccess } from "./endpoint_options.ts";
import {
  expecting,
  integerBetween,
  type OptionSpec,
  type OptionValues,
  type ProgramSpec,
} from "./options.ts";
import { Unfit } from "./unfit.ts";

/** What a player is asked before the LAN is let in. */
export const INBOUND_QUESTION = "May the LAN reach games that you host on this PC?";

/** Names of connections are free text on Windows; those of Linux' interfaces are not. */
export function wrongTapName(text: string, os: string): string | undefined {
  if (os === "windows") {
    return /^[^\p{C}]{1,255}$/u.test(text) ? undefined : "expected 1 to 255 characters";
  }
  return /^[A-Za-z0-9_.-]{1,15}$/.test(text) && text !== "." && text !== ".."
    ? undefined
    : "expected 1 to 15 letters, digits, _, . or -";
}

const TAP_NAME: OptionSpec<string> = {
  name: "tap-name",
  alias: "tap",
  value: "NAME",
  beside: { ask: 'May the party use the network adapter "{}" of this PC?' },
  help:
    `the name of the network adapter; by default ${TAP_NAME_DEFAULT}, on Windows one that is not ` +
    "in use",
  parse: (text) => {
    const wrong = wrongTapName(text, Deno.build.os);
    return wrong === undefined ? text : new Unfit(wrong);
  },
};

const VIRTUAL_MAC: OptionSpec<Uint8Array> = {
  name: "virtual-mac",
  value: "MAC",
  beside: "obeyed",
  help: "the MAC to have in the LAN; by default one is made at first start and kept",
  parse: parseVirtualMac,
};

const ADDRESS: OptionSpec<IpNetwork> = {
  name: "address",
  value: "CIDR",
  help: "use this fixed address, such as 192.168.1.77/24, instead of the LAN's DHCP server",
  parse: expecting("an IPv4 address like 192.168.1.77/24", parseIpv4Cidr),
};

const ALLOW_LAN_NETWORK: OptionSpec<IpNetwork> = {
  name: "allow-lan-network",
  value: "CIDR",
  repeatable: true,
  beside: {
    ask: "May the party have the network {}, so that what this PC sends there goes to the party?",
  },
  help: "let the LAN have this network although it is not for private use, or a VPN of this PC " +
    "has it: what this PC sends there goes to the party, such as 203.0.113.0/24",
  parse: expecting(
    "a network like 203.0.113.0/24 (/8 at the widest) or 2001:db8:7::/64 (/32 at the widest)",
    parseLanNetwork,
  ),
};

const ALLOW_INBOUND_PORT: OptionSpec<number> = {
  name: "allow-inbound-port",
  value: "PORT",
  repeatable: true,
  beside: {
    ask: "May the LAN reach port {} of this PC as well, where Windows itself may listen?",
  },
  help: "with --allow-inbound: open a port that stays shut otherwise, such as 445, since " +
    "what a PC keeps to itself listens there (file sharing, remote control; docs/INBOUND.md)",
  parse: integerBetween(1, 65_535),
};

const DOCTOR_RELAY: OptionSpec = {
  ...RELAY,
  required: false,
  help: "look at the ways to this relay; by default those of the client that runs",
};

/** `lanparty-client` */
export const CLIENT_PROGRAM: ProgramSpec = {
  name: "lanparty-client",
  summary: "lanparty-client puts this PC into the LAN of a party.",
  examples: [
    "lanparty-client --invite-file party.lanparty",
    "lanparty-client --relay relay.example.org --room PARTY --room-key-file room.key",
  ],
  commands: [
    CHECK_CONFIG,
    {
      name: "doctor",
      summary:
        "say how this PC and a running client are doing, without secrets, for a friend to read, and " +
        "which ways to the relay are open",
      options: [DOCTOR_RELAY, TAP_NAME, STATE_DIR],
    },
    {
      name: "reset",
      summary:
        "take back what stays when the client was killed, and on Windows also what stays when it has " +
        "ended: the adapter and its MAC",
      options: [TAP_NAME, STATE_DIR],
    },
    ...LINK_COMMANDS,
  ],
  options: [
    INVITE,
    INVITE_FILE,
    ...RELAY_ACCESS.map((spec) => spec.required ? { ...spec, unless: INVITE.name } : spec),
    ...keyOptions("room"),
    VIRTUAL_MAC,
    TAP_NAME,
    ADDRESS,
    {
      name: "no-dhcp",
      beside: "obeyed",
      help: "leave the adapter without an IPv4 address",
    },
    {
      name: "allow-lan-default-route",
      beside: {
        ask: "May the LAN take over this PC's way to the internet, and look up names for it?",
      },
      help: "let the LAN's DHCP server set this PC's default route, routes and name servers",
    },
    ALLOW_LAN_NETWORK,
    {
      name: "allow-router-advertisements",
      beside: { ask: "May routers of the LAN give this PC addresses of IPv6?" },
      help:
        "let routers of the LAN tell this PC of the LAN's IPv6 networks (where relay and gateway " +
        "do, too); they do not become its routers without --allow-lan-default-route",
    },
    {
      name: "allow-vlan",
      help: "let frames of the LAN's VLANs (802.1Q tags) reach this PC",
    },
    {
      name: "allow-inbound",
      beside: { ask: INBOUND_QUESTION },
      help:
        "let the LAN reach what runs on this PC, such as a game that you host, while the client " +
        "runs: by the party's adapter alone, through the firewalls of Windows, or ufw, firewalld, nftables " +
        "and iptables (docs/INBOUND.md)",
    },
    ALLOW_INBOUND_PORT,
    STATE_DIR,
    FRAME_LOG,
  ],
};

/**
 * What a checked command line says.
 *
 * @throws {UserError} options do not go together
 */
export function clientOptions(values: OptionValues): ClientProgramOptions {
  const allowLanNetworks = values.allOf(ALLOW_LAN_NETWORK);
  return {
    ...relayAccess(CLIENT_PROGRAM, values),
    roomKey: keyOf("room", values),
    virtualMac: values.of(VIRTUAL_MAC),
    tapName: values.text("tap-name"),
    address: fixedAddress(values.of(ADDRESS), allowLanNetworks),
    useDhcp: !values.flag("no-dhcp"),
    allowLanDefaultRoute: values.flag("allow-lan-default-route"),
    allowLanNetworks,
    allowRouterAdvertisements: values.flag("allow-router-advertisements"),
    allowVlan: values.flag("allow-vlan"),
    allowInbound: values.flag("allow-inbound"),
    allowInboundPorts: values.allOf(ALLOW_INBOUND_PORT),
    stateDir: values.text("state-dir"),
    frameLogFile: values.text("frame-log"),
  };
}

/**
 * The address that the player has chosen.
 *
 * @throws {UserError} others on the internet have what its network holds: that has to be said, too
 */
export function fixedAddress(
  fixed: IpNetwork | undefined,
  allowed: readonly IpNetwork[],
): IpNetwork | undefined {
  if (fixed === undefined) return undefined;
  const { address, prefixBits } = fixed;
  const verdict = new LanNetworks(allowed).judgeKind(address, 0, address.length, prefixBits);
  if (verdict === NetworkVerdict.good) return fixed;
  const network = formatCidr({ address: networkOf(address, prefixBits), prefixBits });
  const why = verdict === NetworkVerdict.unusable
    ? "no PC can have this address"
    : parseLanNetwork(network) === undefined
    ? `no LAN is as large as ${network}`
    : `${network} is not for private use, and what others have there would not be reached any ` +
      `more; if it is the LAN's all the same, add --allow-lan-network ${network}`;
  throw new UserError(`--address ${formatCidr(fixed)}: ${why}`, { usage: true });
}

function parseVirtualMac(text: string): Uint8Array | Unfit {
  const mac = parseMac(text);
  if (mac === undefined) return new Unfit("expected a MAC like 02:00:00:00:00:51");
  return isIdentityMac(mac, 0)
    ? mac
    : new Unfit("expected a unicast, locally administered MAC (second digit 2, 6, a or e)");
}

function parseIpv4Cidr(text: string): IpNetwork | undefined {
  const network = parseCidr(text);
  return network?.address.length === IPV4_BYTES ? network : undefined;
}
