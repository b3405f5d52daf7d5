/** The options that client and gateway have in common. */
import { type EndpointAddress, parseEndpointAddress } from "../control/address.ts";
import { parseKey } from "../control/keys.ts";
import { parseRoomCode } from "../control/room.ts";
import { BUDGET_BYTES_MIN } from "../proto/mtu.ts";
import { accessKey, type KeyKind } from "../programs/endpoint/access_key.ts";
import type { RelayAccessOptions } from "../programs/endpoint/program.ts";
import { canonicalHost, canonicalIp } from "../trust/server_name.ts";
import {
  expecting,
  integerBetween,
  type OptionSpec,
  type OptionValues,
  type ProgramSpec,
} from "./options.ts";
import { VERSION } from "./version.ts";

const RELAY: OptionSpec<EndpointAddress> = {
  name: "relay",
  value: "HOST:PORT",
  beside: "obeyed",
  required: true,
  help: "the relay's address; the port is 443 where none is given",
  parse: expecting("HOST, HOST:PORT or [ADDRESS]:PORT", parseEndpointAddress),
};

const SERVER_NAME: OptionSpec<string> = {
  name: "server-name",
  value: "NAME",
  beside: "obeyed",
  help: "the name that the relay's certificate must hold; by default the host of --relay",
  parse: expecting("a host name or an address", parseServerName),
};

const RELAY_FINGERPRINT: OptionSpec<string> = {
  name: "relay-fingerprint",
  value: "SHA256",
  beside: "obeyed",
  help: "trust the relay whose public key has this fingerprint (base64url)",
  parse: expecting("43 characters of base64url", parseFingerprintText),
};

const ROOM: OptionSpec<string> = {
  name: "room",
  value: "ROOM",
  beside: "obeyed",
  required: true,
  help: "the room's code: 1 to 32 of A-Z, 0-9 and -",
  parse: expecting("1 to 32 of A-Z, 0-9 and -", parseRoomCode),
};

const DATAGRAM_BUDGET: OptionSpec<number> = {
  name: "datagram-budget",
  value: "BYTES",
  beside: "obeyed",
  help: "never use datagrams above this size",
  parse: integerBetween(BUDGET_BYTES_MIN, 65_535),
};

/** Which relay and room, and how the relay is known. */
export const RELAY_ACCESS: readonly OptionSpec[] = [
  RELAY,
  SERVER_NAME,
  {
    name: "relay-ca-cert",
    value: "FILE",
    help: "trust this certificate (PEM or DER): a CA, or the relay's own",
  },
  RELAY_FINGERPRINT,
  ROOM,
  {
    name: "name",
    value: "NAME",
    beside: "obeyed",
    help: "how others see you; at most 64 characters",
  },
  DATAGRAM_BUDGET,
];

/** A key, as itself or in a file. */
export function keyOptions(name: KeyKind, what: string): readonly OptionSpec[] {
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
      parse: expecting("a key of 22 characters", parseKeyText),
    },
    {
      name: `${name}-file`,
      value: "FILE",
      credential: name,
      help: "read the key from FILE, which nobody else may read",
    },
  ];
}

/** What a checked command line says of relay and room. */
export function relayAccess(program: ProgramSpec, values: OptionValues): RelayAccessOptions {
  return {
    relay: values.requiredOf(RELAY),
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
  return accessKey({ kind, text: values.text(kind), file: values.text(`${kind}-file`) });
}

/** A name in the one form in which certificates are looked through for it. */
function parseServerName(text: string): string | undefined {
  return /\p{Cc}/u.test(text) ? undefined : canonicalIp(text) ?? canonicalHost(text);
}

/** base64url, with or without the padding that some tools add. */
function parseFingerprintText(text: string): string | undefined {
  return /^([A-Za-z0-9_-]{43})=?$/.exec(text)?.[1];
}

function parseKeyText(text: string): string | undefined {
  return parseKey(text) === undefined ? undefined : text;
}
