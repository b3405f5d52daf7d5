/** The command lines of the three programs, as data. */
import { TAP_NAME_DEFAULT } from "../link/tap.ts";
import { IPV4_BYTES, parseCidr } from "../proto/ip.ts";
import { BAN_ROOM, REMOVAL_OPTIONS } from "./control_words.ts";
import { LIMIT_OPTIONS } from "./limit_options.ts";
import { parseAllowedRoom, parseRedirect } from "./option_values.ts";
import { integerBetween, oneOf, type OptionSpec, type ProgramSpec } from "./options.ts";
import { parseEndpointAddress, parseHost, parseListen } from "../ctrl/address.ts";
import { parseKey } from "../ctrl/keys.ts";
import { parseLanNetwork } from "../client/lan_networks.ts";
import { parseRoomCode } from "../ctrl/room.ts";
import { isIdentityMac, parseMac } from "../proto/mac.ts";
import { parseStatusAddress } from "../serve/status_address.ts";
import { canonicalHost, canonicalIp } from "../trust/server_name.ts";
import { BUDGET_BYTES_MIN } from "../proto/mtu.ts";
import { REACTORS_MAX } from "../relay/reactor_plan.ts";

const STATE_DIR: OptionSpec = {
  name: "state-dir",
  value: "DIR",
  help: "where state is kept; by default what systemd gives, else a folder of the user's",
};

const FRAME_LOG: OptionSpec = {
  name: "frame-log",
  value: "FILE",
  help: "write one JSON line for every frame to FILE (for finding faults: it costs speed)",
};

/** More cores: several reactors under one supervisor. */
const REACTOR_OPTIONS: readonly OptionSpec[] = [
  {
    name: "reactors",
    value: "N",
    default: "1",
    help:
      "use so many cores: N processes, each with its own UDP port, rooms and limits; who comes " +
      "to the wrong one is sent on",
    check: integerBetween(1, REACTORS_MAX),
  },
  {
    name: "reactor-port",
    value: "PORT",
    repeatable: true,
    help: "the port of the second reactor, of the third, and so on, at each --listen address; by " +
      "default the ports above that of --listen",
    check: integerBetween(1, 65_535),
  },
  {
    name: "public-host",
    value: "HOST",
    help: "with --reactors: the name or address by which players reach this machine; by default " +
      "the address that they have come to, or behind NAT the name that they have asked for",
    check: (text) => valid(() => parseHost(text), "a host name or an address, without a port"),
  },
];

/** `lanparty-relay` */
export const RELAY_PROGRAM: ProgramSpec = {
  name: "lanparty-relay",
  summary: "lanparty-relay admits players and gateways to rooms and forwards their frames.",
  examples: [
    "lanparty-relay --listen 443/udp --cert fullchain.pem --key privkey.pem",
    "lanparty-relay --listen '[::1]:4433' --state-dir relay-state --dev-cert-der-out relay.der",
    "lanparty-relay --policy open",
  ],
  commands: [
    { name: "check-config", summary: "say whether the options, and those of --config, are good" },
    { name: "fingerprint", summary: "print the fingerprint of the certificate's key" },
    {
      name: "ctl",
      words: "WORDS",
      summary: "control the relay that runs with this --state-dir: rooms, peers ROOM, " +
        "kick ROOM PEER, ban MAC, ban ADDRESS, ban ROOM PEER, unban MAC, bans, lock ROOM, " +
        "unlock ROOM or drain",
      options: [...REMOVAL_OPTIONS, BAN_ROOM, STATE_DIR],
    },
    { name: "unit", summary: "print a systemd unit that starts this program with these options" },
  ],
  options: [
    {
      name: "listen",
      value: "ADDRESS",
      repeatable: true,
      default: "443/udp",
      help: "where to listen: 443/udp (IPv4 and IPv6), 192.0.2.1:443 or [2001:db8::1]:443",
      check: (text) => valid(() => parseListen(text), "443/udp, ADDRESS:PORT or [ADDRESS]:PORT"),
    },
    {
      name: "cert",
      value: "FILE",
      credential: "cert",
      help: "certificate chain, PEM; without it a self-signed one is made and kept",
    },
    { name: "key", value: "FILE", credential: "key", help: "private key of --cert, PEM" },
    {
      name: "cert-name",
      value: "NAME",
      repeatable: true,
      help: "a name or address that the self-signed certificate is made for",
    },
    {
      name: "dev-cert-der-out",
      value: "FILE",
      help: "write the certificate in use as DER, for --relay-ca-cert of clients and gateways",
    },
    STATE_DIR,
    {
      name: "policy",
      value: "POLICY",
      default: "keyed",
      help:
        "who may join: open (everybody who knows the room's code), keyed (a room is the pair of " +
        "code and key) or listed (only the rooms and keys of --allow-room)",
      check: oneOf("open", "keyed", "listed"),
    },
    {
      name: "allow-room",
      value: "ROOM=HASH",
      repeatable: true,
      pairs: true,
      help: "with --policy listed: admit to ROOM with the key of this hash, which " +
        "lanparty-gateway new-key prints",
      check: (text) =>
        parseAllowedRoom(text) === undefined
          ? "expected ROOM=HASH with 43 characters of base64url"
          : undefined,
    },
    ...LIMIT_OPTIONS,
    {
      name: "allow-router-advertisements",
      help: "let IPv6 router advertisements of the LAN through to players",
    },
    {
      name: "allow-vlan",
      help: "let players send frames of VLANs (802.1Q tags) to each other and to the LAN",
    },
    {
      name: "redirect",
      value: "ROOM=HOST:PORT",
      repeatable: true,
      pairs: true,
      help: "send whoever asks for ROOM to another relay",
      check: (text) => parseRedirect(text) === undefined ? "expected ROOM=HOST:PORT" : undefined,
    },
    FRAME_LOG,
    {
      name: "frame-log-max-mb",
      value: "MB",
      default: "100",
      help: "put the frame log aside (FILE.1, the newest, to FILE.3) before it gets larger",
      check: integerBetween(1, 100_000),
    },
    {
      name: "frame-log-sample",
      value: "N",
      default: "1",
      help: "record one of N frames",
      check: integerBetween(1, 1_000_000),
    },
    {
      name: "status",
      value: "ADDRESS",
      help:
        "serve /metrics, /healthz, /api/rooms and a live page over HTTP, such as 9465 (for this " +
        "machine only) or 192.0.2.1:9465; players' addresses and room codes can be read there",
      check: (text) =>
        valid(() => parseStatusAddress(text), "PORT, ADDRESS:PORT or [ADDRESS]:PORT"),
    },
    ...REACTOR_OPTIONS,
  ],
};

const RELAY_ACCESS: readonly OptionSpec[] = [
  {
    name: "relay",
    value: "HOST:PORT",
    beside: "obeyed",
    required: true,
    help: "the relay's address; the port is 443 where none is given",
    check: (text) => valid(() => parseEndpointAddress(text), "HOST, HOST:PORT or [ADDRESS]:PORT"),
  },
  {
    name: "server-name",
    value: "NAME",
    beside: "obeyed",
    help: "the name that the relay's certificate must hold; by default the host of --relay",
    check: (text) =>
      !/\p{Cc}/u.test(text) && (canonicalIp(text) ?? canonicalHost(text)) !== undefined
        ? undefined
        : "expected a host name or an address",
  },
  {
    name: "relay-ca-cert",
    value: "FILE",
    help: "trust this certificate (PEM or DER): a CA, or the relay's own",
  },
  {
    name: "relay-fingerprint",
    value: "SHA256",
    beside: "obeyed",
    help: "trust the relay whose public key has this fingerprint (base64url)",
    check: (text) =>
      /^[A-Za-z0-9_-]{43}=?$/.test(text) ? undefined : "expected 43 characters of base64url",
  },
  {
    name: "room",
    value: "ROOM",
    beside: "obeyed",
    required: true,
    help: "the room's code: 1 to 32 of A-Z, 0-9 and -",
    check: (text) => valid(() => parseRoomCode(text), "1 to 32 of A-Z, 0-9 and -"),
  },
  {
    name: "name",
    value: "NAME",
    beside: "obeyed",
    help: "how others see you; at most 64 characters",
  },
  {
    name: "datagram-budget",
    value: "BYTES",
    beside: "obeyed",
    help: "never use datagrams above this size",
    check: integerBetween(BUDGET_BYTES_MIN, 65_535),
  },
];

/** A key, as itself or in a file. */
function keyOptions(name: "room-key" | "gateway-key", what: string): readonly OptionSpec[] {
  const variable = `LANPARTY_${name.replace("-", "_").toUpperCase()}`;
  return [
    {
      name,
      value: "KEY",
      secret: true,
      beside: "obeyed",
      help:
        `${what}; others on this machine can see it in a process list, but not when it comes from ` +
        `a file, from --config or from the environment (${variable})`,
      check: (text) => parseKey(text) === undefined ? "expected a key of 22 characters" : undefined,
    },
    {
      name: `${name}-file`,
      value: "FILE",
      credential: name,
      help: "read the key from FILE, which nobody else may read",
    },
  ];
}

/** `lanparty-gateway` */
export const GATEWAY_PROGRAM: ProgramSpec = {
  name: "lanparty-gateway",
  summary: "lanparty-gateway joins a LAN interface of this machine with a room.",
  examples: [
    "lanparty-gateway new-key > party.key",
    "lanparty-gateway --relay relay.example.org --room PARTY --gateway-key-file party.key " +
    "--interface eth0",
  ],
  commands: [
    {
      name: "new-key",
      summary:
        "print a new gateway key, the room key for the players, and the hash for a relay's list",
      options: [],
    },
    {
      name: "interfaces",
      summary: "list the interfaces of this machine that can be bridged, and why others cannot",
      options: [],
    },
    {
      name: "ctl",
      words: "WORDS",
      summary: "see and remove players, as the party's host, at the gateway that runs with this " +
        "--state-dir: players, kick PLAYER, ban PLAYER, ban ADDRESS, unban MAC, bans, lock, unlock or " +
        "release MAC",
      options: [...REMOVAL_OPTIONS, STATE_DIR],
    },
    { name: "unit", summary: "print a systemd unit that starts this program with these options" },
  ],
  options: [
    ...RELAY_ACCESS,
    ...keyOptions("gateway-key", "the key that makes this gateway the room's"),
    { name: "interface", value: "NAME", required: true, help: "the LAN's interface, such as eth0" },
    {
      name: "allow-router-advertisements",
      help:
        "let IPv6 router advertisements of the LAN through to players, where the relay does, too",
    },
    {
      name: "allow-vlan",
      help: "let players send frames of VLANs (802.1Q tags) to the LAN, where the relay does, too",
    },
    STATE_DIR,
    FRAME_LOG,
    {
      name: "status",
      value: "ADDRESS",
      help: "serve /api/gateway (JSON), /metrics and /healthz over HTTP, such as 9466 (for this " +
        "machine only) or 192.0.2.1:9466; players' names and MACs can be read there",
      check: (text) =>
        valid(() => parseStatusAddress(text), "PORT, ADDRESS:PORT or [ADDRESS]:PORT"),
    },
  ],
};

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

const TAP_NAME: OptionSpec = {
  name: "tap-name",
  alias: "tap",
  value: "NAME",
  beside: { ask: 'May the party use the network adapter "{}" of this PC?' },
  help:
    `the name of the network adapter; by default ${TAP_NAME_DEFAULT}, on Windows one that is not ` +
    "in use",
  check: (text) => wrongTapName(text, Deno.build.os),
};

/** `lanparty-client` */
export const CLIENT_PROGRAM: ProgramSpec = {
  name: "lanparty-client",
  summary: "lanparty-client puts this PC into the LAN of a party.",
  examples: ["lanparty-client --relay relay.example.org --room PARTY --room-key-file room.key"],
  commands: [
    {
      name: "doctor",
      summary:
        "say how this PC and a running client are doing, without secrets, for a friend to read",
      options: [TAP_NAME, STATE_DIR],
    },
    {
      name: "reset",
      summary: "take back what stays when the client has ended: on Windows the adapter's MAC",
      options: [TAP_NAME],
    },
  ],
  options: [
    ...RELAY_ACCESS,
    ...keyOptions("room-key", "the room's key, which the party's host gives out"),
    {
      name: "virtual-mac",
      value: "MAC",
      beside: "obeyed",
      help: "the MAC to have in the LAN; by default one is made at first start and kept",
      check: (text) => {
        const mac = parseMac(text);
        if (mac === undefined) return "expected a MAC like 02:00:00:00:00:51";
        return isIdentityMac(mac, 0)
          ? undefined
          : "expected a unicast, locally administered MAC (second digit 2, 6, a or e)";
      },
    },
    TAP_NAME,
    {
      name: "address",
      value: "CIDR",
      help: "use this fixed address, such as 192.168.1.77/24, instead of the LAN's DHCP server",
      check: (text) =>
        parseCidr(text)?.address.length === IPV4_BYTES
          ? undefined
          : "expected an IPv4 address like 192.168.1.77/24",
    },
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
    {
      name: "allow-lan-network",
      value: "CIDR",
      repeatable: true,
      beside: {
        ask:
          "May the party have the network {}, so that what this PC sends there goes to the party?",
      },
      help:
        "let the LAN have this network although it is not for private use, or a VPN of this PC " +
        "has it: what this PC sends there goes to the party, such as 203.0.113.0/24",
      check: (text) =>
        valid(
          () => parseLanNetwork(text),
          "a network like 203.0.113.0/24 (/8 at the widest) or " +
            "2001:db8:7::/64 (/32 at the widest)",
        ),
    },
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
        "runs: firewall rules for the party's adapter alone (Windows; elsewhere nothing is in the way)",
    },
    {
      name: "allow-inbound-port",
      value: "PORT",
      repeatable: true,
      beside: {
        ask: "May the LAN reach port {} of this PC as well, where Windows itself may listen?",
      },
      help: "with --allow-inbound: open a port that stays shut otherwise, such as 445, since " +
        "Windows' own services listen there (file sharing, remote control; docs/INBOUND.md)",
      check: integerBetween(1, 65_535),
    },
    STATE_DIR,
    FRAME_LOG,
  ],
};

/** A check's verdict on something that a parser reads. */
function valid(parse: () => unknown, expected: string): string | undefined {
  return parse() === undefined ? `expected ${expected}` : undefined;
}
