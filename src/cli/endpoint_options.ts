/**
 * The options that client and gateway have in common.
 *
 * @module
 */
import { type EndpointAddress, parseEndpointAddress, RELAY_WAYS_MAX } from "../control/address.ts";
import { type KeyKind, readKey } from "../control/printed_key.ts";
import { parseRoomCode } from "../control/room.ts";
import { BUDGET_BYTES_MIN } from "../proto/mtu.ts";
import { accessKey } from "../programs/endpoint/access_key.ts";
import type { RelayAccessOptions } from "../programs/endpoint/program.ts";
import { canonicalHost, canonicalIp } from "../trust/server_name.ts";
import {
  expecting,
  integerBetween,
  type OptionSpec,
  type OptionValues,
  type ProgramSpec,
} from "./options.ts";
import { Unfit } from "./unfit.ts";
import { VERSION } from "./version.ts";

/** Where the relay is. */
export const RELAY: OptionSpec<readonly EndpointAddress[]> = {
  name: "relay",
  value: "HOST:PORT",
  beside: "obeyed",
  required: true,
  repeatable: true,
  help:
    "the relay's address; the port is 443 where none is given. More of them (with commas, or the option again) are " +
    "other ways to the same relay: the first that answers is used",
  parse: expecting("HOST, HOST:PORT or [ADDRESS]:PORT, more with commas between", parseRelays),
};

/** The name in the relay's certificate. */
export const SERVER_NAME: OptionSpec<string> = {
  name: "server-name",
  value: "NAME",
  beside: "obeyed",
  help: "the name that the relay's certificate must hold; by default the host of --relay",
  parse: expecting("a host name or an address", parseServerName),
};

/** The relay's key. */
export const RELAY_FINGERPRINT: OptionSpec<string> = {
  name: "relay-fingerprint",
  value: "SHA256",
  beside: "obeyed",
  help: "trust the relay whose public key has this fingerprint (base64url)",
  parse: expecting("43 characters of base64url", parseFingerprintText),
};

/** Which party. */
export const ROOM: OptionSpec<string> = {
  name: "room",
  value: "ROOM",
  beside: "obeyed",
  required: true,
  help: "the room's code: 1 to 32 of A-Z, 0-9 and -",
  parse: expecting("1 to 32 of A-Z, 0-9 and -", (text) => parseRoomCode(text.trim())),
};

const DATAGRAM_BUDGET: OptionSpec<number> = {
  name: "datagram-budget",
  value: "BYTES",
  beside: "obeyed",
  help: "never use datagrams above this size",
  parse: integerBetween(BUDGET_BYTES_MIN, 65_535),
};

/** Whose party it is, as an invite says it. */
export const PARTY_PLACE: readonly OptionSpec[] = [
  RELAY,
  SERVER_NAME,
  {
    name: "relay-ca-cert",
    value: "FILE",
    help: "trust this certificate (PEM or DER): a CA, or the relay's own",
  },
  RELAY_FINGERPRINT,
  ROOM,
];

/** The same for whoever makes a key, who need not know all of this yet. */
export const NEW_PARTY_PLACE: readonly OptionSpec[] = PARTY_PLACE
  .map((spec) => ({ ...spec, required: false }));

/** Which relay and room, and how the relay is known. */
export const RELAY_ACCESS: readonly OptionSpec[] = [
  ...PARTY_PLACE,
  {
    name: "name",
    value: "NAME",
    beside: "obeyed",
    help: "how others see you; at most 64 characters",
  },
  DATAGRAM_BUDGET,
];

/** A room's key, as itself. */
export const ROOM_KEY = keyOption("room", "the room's key, which the party's host gives out");
const GATEWAY_KEY = keyOption("gateway", "the key that makes this gateway the room's");

function keyOption(kind: KeyKind, what: string): OptionSpec<string> {
  const variable = `LANPARTY_${kind.toUpperCase()}_KEY`;
  return {
    name: `${kind}-key`,
    value: "KEY",
    secret: true,
    beside: "obeyed",
    help:
      `${what}; others on this machine can see it in a process list, but not when it comes from ` +
      `a file, from --config or from the environment (${variable})`,
    parse: (text) => {
      const read = readKey(kind, text);
      return read.ok ? read.key : new Unfit(read.why);
    },
  };
}

/** A key, as itself or in a file. */
export function keyOptions(kind: KeyKind): readonly OptionSpec[] {
  return [
    specOf(kind),
    {
      name: `${kind}-key-file`,
      value: "FILE",
      credential: `${kind}-key`,
      help: "read the key from FILE, which nobody else may read",
    },
  ];
}

function specOf(kind: KeyKind): OptionSpec<string> {
  return kind === "room" ? ROOM_KEY : GATEWAY_KEY;
}

/** What a checked command line says of relay and room. */
export function relayAccess(program: ProgramSpec, values: OptionValues): RelayAccessOptions {
  return {
    relays: values.allOf(RELAY).flat(),
    serverName: values.of(SERVER_NAME),
    relayCaFile: values.text("relay-ca-cert"),
    relayFingerprint: values.of(RELAY_FINGERPRINT),
    room: values.requiredOf(ROOM),
    name: values.text("name"),
    datagramBudget: values.of(DATAGRAM_BUDGET),
    agent: `${program.name} ${VERSION}`,
  };
}

/** The key that a program shows to the relay, from wherever it is given. */
export function keyOf(kind: KeyKind, values: OptionValues): string | undefined {
  const text = values.of(specOf(kind));
  return accessKey({ kind, text, file: values.text(`${kind}-key-file`) });
}

/** Ways to one relay; undefined: one of them is no address, or there are too many. */
export function parseRelays(text: string): readonly EndpointAddress[] | undefined {
  const parts = text.split(",").map((part) => parseEndpointAddress(part.trim()));
  const relays = parts.filter((part) => part !== undefined);
  return relays.length === parts.length && relays.length <= RELAY_WAYS_MAX ? relays : undefined;
}

/** A name in the one form in which certificates are looked through for it. */
function parseServerName(text: string): string | undefined {
  return /\p{Cc}/u.test(text) ? undefined : canonicalIp(text) ?? canonicalHost(text);
}

/**
 * base64url, with or without the padding that some tools add, with spaces and quotes around it, and as the
 * relay's log or a command line has it: `fingerprint=…`.
 */
function parseFingerprintText(text: string): string | undefined {
  const label = /^[\s"']*(?:-*(?:relay-)?fingerprint[\s=:]+)?[\s"']*/i;
  return /^([A-Za-z0-9_-]{43})=?[\s"']*$/.exec(text.replace(label, ""))?.[1];
}
