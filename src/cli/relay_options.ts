/**
 * The command line of `lanparty-relay`.
 *
 * @module
 */
import {
  type ListenAddress,
  parseEndpointAddress,
  parseHost,
  parseListen,
} from "../control/address.ts";
import { parseKeyHash } from "../control/keys.ts";
import { parseRoomCode } from "../control/room.ts";
import type { RedirectTarget } from "../relay/directory.ts";
import { WORKERS_MAX } from "../relay/workers/plan.ts";
import type { RelayProgramOptions } from "../programs/relay/options.ts";
import { CHECK_CONFIG, FRAME_LOG, STATE_DIR, statusOption } from "./common_options.ts";
import { BAN_ROOM, REMOVAL_OPTIONS } from "./control_words.ts";
import { LIMIT_OPTIONS, relayLimits } from "./limit_options.ts";
import {
  type CommandWords,
  expecting,
  integerBetween,
  oneOf,
  type OptionGroup,
  type OptionSpec,
  type OptionValues,
  type ProgramSpec,
} from "./options.ts";
import { VERSION } from "./version.ts";

const LISTEN: OptionSpec<ListenAddress> = {
  name: "listen",
  value: "ADDRESS",
  repeatable: true,
  default: "443/udp",
  help: "where to listen: 443/udp (IPv4 and IPv6), 192.0.2.1:443 or [2001:db8::1]:443",
  parse: expecting("443/udp, ADDRESS:PORT or [ADDRESS]:PORT", parseListen),
};

const POLICY: OptionSpec<RelayProgramOptions["policy"]> = {
  name: "policy",
  value: "POLICY",
  default: "keyed",
  help: "who may join: open (everybody who knows the room's code), keyed (a room is the pair of " +
    "code and key) or listed (only the rooms and keys of --allow-room)",
  parse: oneOf("open", "keyed", "listed"),
};

const ALLOW_ROOM: OptionSpec<readonly [string, Uint8Array]> = {
  name: "allow-room",
  value: "ROOM=HASH",
  repeatable: true,
  pairs: true,
  help: "with --policy listed: admit to ROOM with the key of this hash, which " +
    "lanparty-gateway new-key prints",
  parse: expecting("ROOM=HASH with 43 characters of base64url", parseAllowedRoom),
};

const REDIRECT: OptionSpec<readonly [string, RedirectTarget]> = {
  name: "redirect",
  value: "ROOM=HOST:PORT",
  repeatable: true,
  pairs: true,
  help: "send whoever asks for ROOM to another relay",
  parse: expecting("ROOM=HOST:PORT", parseRedirect),
};

const FRAME_LOG_MAX_MB: OptionSpec<number> = {
  name: "frame-log-max-mb",
  value: "MB",
  default: "100",
  help: "put the frame log aside (FILE.1, the newest, to FILE.3) before it gets larger",
  parse: integerBetween(1, 100_000),
};

const FRAME_LOG_SAMPLE: OptionSpec<number> = {
  name: "frame-log-sample",
  value: "N",
  default: "1",
  help: "record one of N frames",
  parse: integerBetween(1, 1_000_000),
};

const STATUS = statusOption(
  "serve /metrics, /healthz, /api/rooms and a live page over HTTP, such as 9465 (for this " +
    "machine only) or 192.0.2.1:9465; players' addresses and room codes can be read there",
);

const REACTORS: OptionSpec<number> = {
  name: "reactors",
  value: "N",
  default: "1",
  help: "use so many cores: N processes, each with its own UDP port, rooms and limits; who comes " +
    "to the wrong one is sent on",
  parse: integerBetween(1, WORKERS_MAX),
};

const REACTOR_PORT: OptionSpec<number> = {
  name: "reactor-port",
  value: "PORT",
  repeatable: true,
  help: "the port of the second reactor, of the third, and so on, at each --listen address; by " +
    "default the ports above that of --listen",
  parse: integerBetween(1, 65_535),
};

const PUBLIC_HOST: OptionSpec<string> = {
  name: "public-host",
  value: "HOST",
  help:
    "the name or address by which players reach this machine: install prints it, and --reactors sends " +
    "them there; by default one of the machine's own, for --reactors the one that they have come to, or behind " +
    "NAT the name that they have asked for",
  parse: expecting("a host name or an address, without a port", parseHost),
};

/** Whether nothing stays. */
export const PURGE: OptionSpec = {
  name: "purge",
  help: "remove certificate and key, too: the next install has another fingerprint",
};

const GROUPS: readonly OptionGroup[] = [
  {
    title: "Where it listens, and who it is (nothing has to be given)",
    options: [
      LISTEN,
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
        name: "new-key",
        help:
          "make the self-signed certificate with a new key if the old one is lost: its fingerprint is " +
          "another one, too, and must be sent to everybody",
      },
      {
        name: "dev-cert-der-out",
        value: "FILE",
        help: "write the certificate in use as DER, for --relay-ca-cert of clients and gateways",
      },
      STATE_DIR,
    ],
  },
  {
    title: "Who may join, and what they may send",
    options: [
      POLICY,
      ALLOW_ROOM,
      REDIRECT,
      {
        name: "allow-router-advertisements",
        help: "let IPv6 router advertisements of the LAN through to players",
      },
      {
        name: "allow-vlan",
        help: "let players send frames of VLANs (802.1Q tags) to each other and to the LAN",
      },
    ],
  },
  { title: "Limits", options: LIMIT_OPTIONS },
  {
    title: "To look at it",
    options: [STATUS, FRAME_LOG, FRAME_LOG_MAX_MB, FRAME_LOG_SAMPLE],
  },
  { title: "Several cores", options: [REACTORS, REACTOR_PORT, PUBLIC_HOST] },
];

/** What `ctl` takes. */
const CONTROL_WORDS: readonly CommandWords[] = [
  { text: "rooms", help: "list the rooms" },
  { text: "peers ROOM", help: "list who is in a room" },
  { text: "kick ROOM PEER", help: "send a player away, and keep it out for an hour or --for TIME" },
  { text: "ban ROOM PEER", help: "send a player away, and keep it out for as long as can be" },
  { text: "ban MAC", help: "keep out whoever has this MAC, from all rooms or from --room ROOM" },
  { text: "ban ADDRESS", help: "the same for an address (of IPv6 its /64)" },
  { text: "unban MAC|ADDRESS", help: "take a ban back, by anything that bans shows" },
  { text: "bans", help: "list the bans" },
  { text: "lock ROOM", help: "let nobody new into a room but its gateway" },
  { text: "unlock ROOM", help: "take that back" },
  { text: "close ROOM", help: "send everybody in a room away" },
  { text: "drain", help: "let nobody in any more, and end when the last has left" },
];

/** `lanparty-relay` */
export const RELAY_PROGRAM: ProgramSpec = {
  name: "lanparty-relay",
  summary: "lanparty-relay admits players and gateways to rooms and forwards their frames.",
  examples: [
    "lanparty-relay install --public-host relay.example.org",
    "lanparty-relay --listen 443/udp --cert fullchain.pem --key privkey.pem",
    "lanparty-relay --listen '[::1]:4433' --state-dir relay-state --dev-cert-der-out relay.der",
    "lanparty-relay --policy open",
  ],
  commands: [
    {
      name: "install",
      summary:
        "make a service of systemd's with these options, or with those of before where none are given, " +
        "start it, and print the line for the party's host",
    },
    {
      name: "uninstall",
      summary: "take away what install has made; certificate and key stay",
      options: [PURGE],
    },
    CHECK_CONFIG,
    { name: "fingerprint", summary: "print the fingerprint of the certificate's key" },
    {
      name: "ctl",
      words: CONTROL_WORDS,
      summary:
        "control the relay that runs with this --state-dir: see and remove players, lock and " +
        "close rooms, end when all have left",
      options: [...REMOVAL_OPTIONS, BAN_ROOM, STATE_DIR],
    },
    { name: "unit", summary: "print a systemd unit that starts this program with these options" },
  ],
  options: GROUPS.flatMap(({ options }) => options),
  groups: GROUPS,
};

/** What a checked command line says. */
export function relayOptions(values: OptionValues): RelayProgramOptions {
  return {
    listen: values.allOf(LISTEN),
    certificateFile: values.text("cert"),
    keyFile: values.text("key"),
    certificateNames: values.list("cert-name"),
    mayReplaceKey: values.flag("new-key"),
    derOutFile: values.text("dev-cert-der-out"),
    stateDir: values.text("state-dir"),
    policy: values.requiredOf(POLICY),
    allowedRooms: values.allOf(ALLOW_ROOM),
    limits: relayLimits(values),
    allowRouterAdvertisements: values.flag("allow-router-advertisements"),
    allowVlan: values.flag("allow-vlan"),
    redirects: values.allOf(REDIRECT),
    frameLogFile: values.text("frame-log"),
    frameLogBounds: {
      bytesMax: values.requiredOf(FRAME_LOG_MAX_MB) * 1_000_000,
      oneIn: values.requiredOf(FRAME_LOG_SAMPLE),
    },
    status: values.of(STATUS),
    reactors: values.requiredOf(REACTORS),
    reactorPorts: values.allOf(REACTOR_PORT),
    publicHost: values.of(PUBLIC_HOST),
    texts: values.toRecord(),
    version: VERSION,
  };
}

/** `ROOM=HOST:PORT` as the room and where it is, or `undefined`. */
export function parseRedirect(text: string): readonly [string, RedirectTarget] | undefined {
  const [room, relay] = splitAtEquals(text);
  const code = parseRoomCode(room);
  return code === undefined || parseEndpointAddress(relay) === undefined
    ? undefined
    : [code, { relay }];
}

/** `ROOM=HASH` as the room and the hash of its key, or `undefined`. */
function parseAllowedRoom(text: string): readonly [string, Uint8Array] | undefined {
  const [room, hash] = splitAtEquals(text);
  const [code, bytes] = [parseRoomCode(room), parseKeyHash(hash)];
  return code === undefined || bytes === undefined ? undefined : [code, bytes];
}

/** What stands before the first `=`, and what behind it. */
function splitAtEquals(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
