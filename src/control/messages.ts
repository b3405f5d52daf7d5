/**
 * The control messages: their schemas and types.
 *
 * Unknown fields are ignored, and a field that is null counts as absent. Text that people will read
 * comes out cleaned. Messages are checked by {@link parseHello} (the first of an endpoint),
 * {@link parseEndpointMessage} (its later ones) and {@link parseRelayMessage}.
 *
 * @module
 */

import { z } from "zod";
import { parseEndpointAddress, parseHost } from "./address.ts";
import { cleanText } from "../proto/clean_text.ts";
import { TAP_MTU_MAX, TAP_MTU_MIN } from "../proto/mtu.ts";
import {
  type HostAnswer,
  hostAnswer,
  type HostRequest,
  hostRequest,
  remover,
} from "./host_messages.ts";
import { parseRoomCode } from "./room.ts";
import {
  count,
  fields,
  isRecord,
  mac,
  type MessageResult,
  messageText,
  NAME_CODE_POINTS_MAX,
  optionalText,
  type Output,
  peerId,
  resultOf,
} from "./schema.ts";

export { MESSAGE_CODE_POINTS_MAX, type MessageResult } from "./schema.ts";

/** The version of the wire protocol that a hello names. */
export const CONTROL_PROTOCOL_VERSION = 1;

/** Application error codes with which a QUIC connection is closed. */
export const ErrorCode = {
  done: 0,
  rejected: 1,
  protocol: 2,
  policy: 3,
  shuttingDown: 4,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** Why a relay refuses a hello, in the order in which it checks. */
export const REJECT_CODES = [
  "protocol-version",
  "invalid-hello",
  "rate-limited",
  "relay-full",
  "removed",
  "not-admitted",
  "budget-too-small",
  "gateway-exists",
  "mac-in-use",
  "mac-reserved",
  "room-full",
] as const;
export type RejectCode = (typeof REJECT_CODES)[number];

//= PROTOCOL.md 6.6
//# | `bye` | […] | `replaced` |
/** Why one side ends a session. */
export const DISCONNECT_CODES = [
  "bye",
  "protocol-error",
  "malformed-limit",
  "hello-timeout",
  "kicked",
  "room-closed",
  "relay-restarting",
  "replaced",
] as const;
export type DisconnectCode = (typeof DISCONNECT_CODES)[number];

//= PROTOCOL.md 5.3
//# | 0 | done | […] | 4 | shutting down |
/** The application error code with which a connection is closed after each of them. */
export const DISCONNECT_ERROR_CODES: Readonly<Record<DisconnectCode, ErrorCode>> = {
  "bye": ErrorCode.done,
  "protocol-error": ErrorCode.protocol,
  "malformed-limit": ErrorCode.protocol,
  "hello-timeout": ErrorCode.protocol,
  "kicked": ErrorCode.policy,
  "room-closed": ErrorCode.policy,
  "replaced": ErrorCode.policy,
  "relay-restarting": ErrorCode.shuttingDown,
};

/** Why a peer is no longer in the room, as the others learn it. */
export const LEAVE_REASONS = ["bye", "lost", "kicked", "replaced", "error"] as const;
export type LeaveReason = (typeof LEAVE_REASONS)[number];

/**
 * What a side understands beyond what everybody does. `hello` names those of the endpoint, `welcome` those
 * of them that the relay has, too.
 */
export const Feature = {
  /** `reject` with `removed` and `mac-reserved`; `by` and `forMs` in `reject` and `disconnect`. */
  removal: "removal",
  /** A gateway's `hostRequest`, and the relay's `hostAnswer`. */
  hostRequests: "host-requests",
  /** The relay's `roomMtu`, and the endpoint's `budget`. */
  roomMtu: "room-mtu",
} as const;
export type Feature = (typeof Feature)[keyof typeof Feature];

/** Longest texts beside names, in Unicode code points. */
export const AGENT_CODE_POINTS_MAX = 128;
export const KEY_CODE_POINTS_MAX = 128;
/** What is kept of `features`. */
export const FEATURES_MAX = 32;
/** What is kept of the free parts of `stats`. */
export const DROP_REASONS_REPORTED_MAX = 128;
export const DHCP_SERVERS_REPORTED_MAX = 64;
export const ADDRESSES_REPORTED_MAX = 16;

const room = z.string().transform((raw, context) => {
  const code = parseRoomCode(raw);
  if (code !== undefined) return code;
  context.addIssue("not 1 to 32 of A-Z, 0-9 and -");
  return z.NEVER;
});
const retryAfterMs = count.optional();
const fingerprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "not 43 characters of base64url");
const host = z.string().transform((raw, context) => {
  const name = parseHost(raw);
  if (name !== undefined) return name;
  context.addIssue("not a host name or an address");
  return z.NEVER;
});
const endpointAddress = z.string().refine((raw) => parseEndpointAddress(raw) !== undefined, {
  error: "not HOST:PORT",
});

const features = z.array(z.unknown()).transform(keepFeatures).optional();
/** Who has removed somebody, and how long that holds from now on; absent: until it is taken back. */
const removal = { by: remover.optional(), forMs: count.optional() };

//= PROTOCOL.md 6.1
//# | **`type`** | `"hello"` | […] | `agent` |
const helloShape = {
  type: z.literal("hello"),
  protocol: z.literal(CONTROL_PROTOCOL_VERSION),
  room,
  datagramBudget: z.number().int(),
  resume: z.string().optional(),
  name: optionalText(NAME_CODE_POINTS_MAX),
  agent: optionalText(AGENT_CODE_POINTS_MAX),
  features,
};
const clientHello = fields({
  ...helloShape,
  role: z.literal("client"),
  mac,
  roomKey: optionalText(KEY_CODE_POINTS_MAX),
});
const gatewayHello = fields({
  ...helloShape,
  role: z.literal("gateway"),
  gatewayKey: optionalText(KEY_CODE_POINTS_MAX),
});

const tapMtu = z.number().int().min(TAP_MTU_MIN, `less than ${TAP_MTU_MIN}`)
  .max(TAP_MTU_MAX, `more than ${TAP_MTU_MAX}`);
//= PROTOCOL.md 6.2
//# | **`type`** | `"welcome"` | […] | `features` |
const welcome = fields({
  type: z.literal("welcome"),
  protocol: z.literal(CONTROL_PROTOCOL_VERSION),
  peerId,
  room,
  tapMtu,
  gatewayPresent: z.boolean(),
  relayTime: z.number(),
  resume: z.string().min(1),
  features,
});
//= PROTOCOL.md 6.3
//# | **`type`** | `"reject"` | […] | `forMs` |
const reject = fields({
  type: z.literal("reject"),
  code: z.enum(REJECT_CODES),
  message: messageText,
  retryAfterMs,
  ...removal,
});
//= PROTOCOL.md 6.3
//# | **`type`** | `"redirect"` | […] | `fingerprint` |
const redirect = fields({
  type: z.literal("redirect"),
  relay: endpointAddress,
  serverName: host.optional(),
  fingerprint: fingerprint.optional(),
});
const clientPeer = {
  peerId,
  role: z.literal("client"),
  mac,
  name: optionalText(NAME_CODE_POINTS_MAX),
};
const gatewayPeer = {
  peerId,
  role: z.literal("gateway"),
  name: optionalText(NAME_CODE_POINTS_MAX),
};
//= PROTOCOL.md 6.4
//# | **`type`** | `"peerJoined"` or `"peerLeft"` | […] | **`reason`** |
const joined = { type: z.literal("peerJoined") };
const left = { type: z.literal("peerLeft"), reason: z.enum(LEAVE_REASONS) };
const clientJoined = fields({ ...joined, ...clientPeer });
const gatewayJoined = fields({ ...joined, ...gatewayPeer });
const clientLeft = fields({ ...left, ...clientPeer });
const gatewayLeft = fields({ ...left, ...gatewayPeer });

const drops = z.record(z.string(), z.unknown()).transform(keepCounts);
const diagnostics = fields({
  relayReachable: z.boolean().optional(),
  routePinned: z.boolean().optional(),
  datagramBudget: count.optional(),
  tap: fields({
    state: z.string().transform((raw) => cleanText(raw, 32)).optional(),
    mtu: count.optional(),
    addresses: z.array(z.string().transform((raw) => cleanText(raw, 64)))
      .transform((all) => all.slice(0, ADDRESSES_REPORTED_MAX)).optional(),
  }).optional(),
});
const total = count.default(0);
//= PROTOCOL.md 6.5
//# | **`type`** | `"stats"` | […] | `diagnostics` |
const statsShape = {
  type: z.literal("stats"),
  framesSent: total,
  framesReceived: total,
  bytesSent: total,
  bytesReceived: total,
  datagramsSent: total,
  datagramsReceived: total,
  framesSplit: total,
  framesReassembled: total,
  drops: drops.default({}),
  rttUs: z.number().nonnegative().optional(),
  uptimeMs: z.number().nonnegative().default(0),
  diagnostics: diagnostics.optional(),
};
const stats = fields(statsShape);
//= PROTOCOL.md 6.5
//# | `dhcpServers` | list of integers | the relay's to a gateway only: `peerId`s of players of the
//# room whose answers as DHCP or DHCPv6 servers it has dropped; readers keep 64 at most
const relayStats = fields({
  ...statsShape,
  dhcpServers: z.array(peerId).transform((all) => all.slice(0, DHCP_SERVERS_REPORTED_MAX))
    .optional(),
});
//= PROTOCOL.md 6.9
//# | **`type`** | `"budget"` | […] | **`datagramBudget`** |
const budget = fields({ type: z.literal("budget"), datagramBudget: z.number().int() });
//= PROTOCOL.md 6.9
//# | **`type`** | `"roomMtu"` | […] | **`tapMtu`** |
const roomMtu = fields({ type: z.literal("roomMtu"), tapMtu });
//= PROTOCOL.md 6.6
//# | **`type`** | `"disconnect"` | […] | `by`, `forMs` |
const disconnect = fields({
  type: z.literal("disconnect"),
  code: z.enum(DISCONNECT_CODES),
  message: messageText,
  retryAfterMs,
  ...removal,
});

/** What a gateway's messages do not have, so that fields can be asked for before the role. */
type WithoutMac = { readonly mac?: undefined };

/** The first message of an endpoint. Text is cleaned, the room upper case, the MAC canonical. */
export type Hello =
  | Output<typeof clientHello> & { readonly gatewayKey?: undefined }
  | Output<typeof gatewayHello> & WithoutMac & { readonly roomKey?: undefined };
/** The relay lets an endpoint in. */
export type Welcome = Output<typeof welcome>;
/** The relay does not let it in; with `retryAfterMs` where trying again makes sense. */
export type Reject = Output<typeof reject>;
/** The room lives on another relay. */
export type Redirect = Output<typeof redirect>;
/** Somebody is in the room. */
export type PeerJoined = Output<typeof clientJoined> | Output<typeof gatewayJoined> & WithoutMac;
/** Somebody is no longer in the room. */
export type PeerLeft = Output<typeof clientLeft> | Output<typeof gatewayLeft> & WithoutMac;
/** Totals since the session began; every 10 s, both ways. */
export type Stats = Output<typeof stats>;
/** A relay's: to a gateway it says, too, which players' answers as DHCP servers it drops. */
export type RelayStats = Output<typeof relayStats>;
/** What an endpoint's path carries now. */
export type Budget = Output<typeof budget>;
/** The room's MTU is another from now on. */
export type RoomMtuChanged = Output<typeof roomMtu>;
/** The session ends. */
export type Disconnect = Output<typeof disconnect>;

/** What an endpoint may send after its hello. */
export type EndpointMessage = Stats | Budget | HostRequest | Disconnect;
/** What a relay may send. */
export type RelayMessage =
  | Welcome
  | Reject
  | Redirect
  | PeerJoined
  | PeerLeft
  | RelayStats
  | RoomMtuChanged
  | HostAnswer
  | Disconnect;

/** What {@link parseHello} says; `message` is for people and quotes nothing of the input. */
export type HelloResult =
  | { readonly ok: true; readonly hello: Hello }
  | {
    readonly ok: false;
    readonly code: "protocol-version" | "invalid-hello";
    readonly message: string;
  };

/** Checks the first message of an endpoint; its protocol before all other fields. */
export function parseHello(json: unknown): HelloResult {
  if (!isRecord(json) || json.type !== "hello") {
    //= PROTOCOL.md 7.1
    //# | 1 | `invalid-hello` | the first message is no object of type `hello`, or `protocol` is
    //# absent or no integer
    return invalidHello("the first message is no hello");
  }
  //= PROTOCOL.md 6.1
  //# | **`protocol`** | integer | 1. Checked before all other fields
  const protocol = json.protocol;
  if (typeof protocol !== "number" || !Number.isInteger(protocol)) {
    return invalidHello("protocol: no integer");
  }
  //= PROTOCOL.md 7.1
  //# | 2 | `protocol-version` | `protocol` is an integer other than 1
  if (protocol !== CONTROL_PROTOCOL_VERSION) {
    const message = `This relay speaks version ${CONTROL_PROTOCOL_VERSION} of the protocol.`;
    return { ok: false, code: "protocol-version", message };
  }
  const result = json.role === "client"
    ? resultOf(clientHello.safeParse(json))
    : json.role === "gateway"
    ? resultOf(gatewayHello.safeParse(json))
    : undefined;
  if (result === undefined) return invalidHello('role: neither "client" nor "gateway"');
  //= PROTOCOL.md 7.1
  //# | 3 | `invalid-hello` | any other field breaks section 6.1
  return result.ok ? { ok: true, hello: result.message } : invalidHello(result.message);
}

/** Checks a message that an endpoint sent after its hello. */
export function parseEndpointMessage(json: unknown): MessageResult<EndpointMessage> {
  switch (isRecord(json) ? json.type : undefined) {
    case "stats":
      return resultOf(stats.safeParse(json));
    case "budget":
      return resultOf(budget.safeParse(json));
    case "hostRequest":
      return resultOf(hostRequest.safeParse(json));
    case "disconnect":
      return resultOf(disconnect.safeParse(json));
    case "hello":
      return { ok: false, message: "a second hello" };
    default:
      return { ok: false, message: "no message that an endpoint sends" };
  }
}

/** Checks a message that a relay sent. */
export function parseRelayMessage(json: unknown): MessageResult<RelayMessage> {
  const record = isRecord(json) ? json : {};
  const fromGateway = record.role === "gateway";
  switch (record.type) {
    case "welcome":
      return resultOf(welcome.safeParse(json));
    case "reject":
      return resultOf(reject.safeParse(json));
    case "redirect":
      return resultOf(redirect.safeParse(json));
    case "peerJoined":
      return fromGateway
        ? resultOf(gatewayJoined.safeParse(json))
        : resultOf(clientJoined.safeParse(json));
    case "peerLeft":
      return fromGateway
        ? resultOf(gatewayLeft.safeParse(json))
        : resultOf(clientLeft.safeParse(json));
    case "stats":
      return resultOf(relayStats.safeParse(json));
    case "roomMtu":
      return resultOf(roomMtu.safeParse(json));
    case "hostAnswer":
      return resultOf(hostAnswer.safeParse(json));
    case "disconnect":
      return resultOf(disconnect.safeParse(json));
    default:
      return { ok: false, message: "no message that a relay sends" };
  }
}

function invalidHello(message: string): HelloResult {
  return { ok: false, code: "invalid-hello", message };
}

/** The names of `features` that can be some, each once; others are ignored, as unknown fields are. */
function keepFeatures(all: readonly unknown[]): string[] {
  const names = all.filter((name) =>
    typeof name === "string" && /^[a-z][a-z0-9-]{0,31}$/.test(name)
  ) as string[];
  //= PROTOCOL.md 6.1
  //# | `features` | list of text | what the endpoint understands […] and all after the 32nd |
  return [...new Set(names)].slice(0, FEATURES_MAX);
}

/** The entries of `drops` that can be reasons and counts; others are ignored, as unknown fields are. */
function keepCounts(all: Record<string, unknown>): Record<string, number> {
  const kept: Record<string, number> = {};
  let entries = 0;
  for (const [reason, value] of Object.entries(all)) {
    if (entries === DROP_REASONS_REPORTED_MAX) break;
    if (!/^[a-z][a-z0-9-]{0,63}$/.test(reason)) continue;
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) continue;
    kept[reason] = value;
    entries++;
  }
  return kept;
}
