/**
 * The control messages for the second implementation, written from the text of PROTOCOL.md alone
 * (sections 4, 6 and 7.1): what a reader makes of each, and what it refuses.
 */

/** A message as it is after reading: cleaned, without what is unknown or null. */
export interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Why a message is refused. */
export type Refusal = "invalid-hello" | "protocol-version" | "protocol-error";

/** A message that was read, or why it is refused. */
export type Reading =
  | { readonly message: Message; readonly refusal?: undefined }
  | { readonly refusal: Refusal };

/** What a field's reader gives for a value that the schema does not allow. */
const WRONG = Symbol("wrong");

/** Makes of a field's value what counts; `undefined` is as if the field was absent. */
type FieldReader = (value: unknown) => unknown;
interface Field {
  readonly read: FieldReader;
  readonly required: boolean;
  /** What an absent field counts as. */
  readonly absent?: unknown;
}

const must = (read: FieldReader): Field => ({ read, required: true });
const may = (read: FieldReader): Field => ({ read, required: false });
const orElse = (absent: unknown, read: FieldReader): Field => ({ read, required: false, absent });

/** First and last code points of what is taken out of all text that people read. */
const HIDDEN: readonly (readonly [number, number])[] = [
  ...[[0x0000, 0x001f], [0x007f, 0x009f], [0x061c, 0x061c], [0x200e, 0x200f]] as const,
  ...[[0x2028, 0x202e], [0x2066, 0x2069]] as const,
];
/** How many marks stay behind a character. */
const MARKS_KEPT = 4;
/** A run of marks and format characters, with the character before it, if any. */
const MARK_RUNS = /(^|[^\p{Mn}\p{Me}\p{Cf}])([\p{Mn}\p{Me}\p{Cf}]+)/gu;

/** Section 4: text for people without controls and heaps of marks. */
export function cleanPeopleText(text: string): string {
  const isHidden = (codePoint: number) =>
    HIDDEN.some(([first, last]) => codePoint >= first && codePoint <= last);
  const shown = [...text.toWellFormed()].filter((one) => !isHidden(one.codePointAt(0)!)).join("");
  return shown.replace(MARK_RUNS, (_, base: string, run: string) => {
    const marks = [...run].filter((one) => !/\p{Cf}/u.test(one));
    const surplus = new Set(marks.keys().drop(base === "" ? 0 : MARKS_KEPT));
    let mark = 0;
    return base + [...run].filter((one) => /\p{Cf}/u.test(one) || !surplus.has(mark++)).join("");
  });
}

/** Section 6.3: a name or an address that a certificate may hold, in lower case. */
function serverName(value: unknown): unknown {
  if (typeof value !== "string" || value.length > 253) return WRONG;
  const name = value.toLowerCase();
  const isAddress = /^[0-9a-f:.]*:[0-9a-f:.]*$/.test(name) && URL.canParse(`http://[${name}]`);
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
  return isAddress || name.split(".").every((part) => label.test(part)) ? name : WRONG;
}

/** Section 6.1: a room's code in upper case, or `undefined`. */
export function readRoom(text: string): string | undefined {
  return /^[A-Za-z0-9-]{1,32}$/.test(text) ? text.toUpperCase() : undefined;
}

/** Section 2: a MAC's six bytes, or `undefined`. */
export function readMac(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$/.test(text)) return undefined;
  return Uint8Array.from(text.split(":"), (pair) => parseInt(pair, 16));
}

/** Section 6.1: whether a client may have this MAC. */
export function isClientMac(bytes: Uint8Array): boolean {
  return (bytes[0] & 3) === 2;
}

const text: FieldReader = (value) => typeof value === "string" ? value : WRONG;
const boolean: FieldReader = (value) => typeof value === "boolean" ? value : WRONG;
const number: FieldReader = (value) => typeof value === "number" ? value : WRONG;
const integer: FieldReader = (value) => Number.isInteger(value) ? value : WRONG;
const atLeast = (min: number): FieldReader => (value) =>
  typeof value === "number" && value >= min ? value : WRONG;
const whole = (min: number, max: number): FieldReader => (value) =>
  Number.isInteger(value) && Number(value) >= min && Number(value) <= max ? value : WRONG;
const count = whole(0, Number.MAX_SAFE_INTEGER);
const peerId = whole(1, 65_535);
const oneOf = (...values: readonly unknown[]): FieldReader => (value) =>
  values.includes(value) ? value : WRONG;
const shortText = (codePointsMax: number): FieldReader => (value) => {
  if (typeof value !== "string") return WRONG;
  const clean = cleanPeopleText(value);
  if ([...clean].length > codePointsMax) return WRONG;
  return clean === "" ? undefined : clean;
};
const peopleText: FieldReader = (value) =>
  typeof value === "string" ? [...cleanPeopleText(value)].slice(0, 512).join("") : WRONG;
const filledText = (lengthMax: number): FieldReader => (value) =>
  typeof value === "string" && value !== "" && value.length <= lengthMax ? value : WRONG;
const room: FieldReader = (value) => typeof value === "string" ? readRoom(value) ?? WRONG : WRONG;
const mac: FieldReader = (value) => {
  const bytes = typeof value === "string" ? readMac(value) : undefined;
  return bytes !== undefined && isClientMac(bytes) ? String(value).toLowerCase() : WRONG;
};
const address: FieldReader = (value) =>
  typeof value === "string" && /^(\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+)(:\d{1,5})?$/.test(value)
    ? value
    : WRONG;
const drops: FieldReader = (value) => {
  if (!isObject(value)) return WRONG;
  const kept = Object.entries(value).filter(([reason, dropped]) =>
    /^[a-z][a-z0-9-]{0,63}$/.test(reason) && count(dropped) !== WRONG
  );
  return Object.fromEntries(kept.slice(0, 128));
};
const list = (read: FieldReader, max: number): FieldReader => (value) => {
  if (!Array.isArray(value)) return WRONG;
  const entries = value.map(read);
  return entries.includes(WRONG) ? WRONG : entries.slice(0, max);
};
const object = (fields: Readonly<Record<string, Field>>): FieldReader => (value) =>
  isObject(value) ? readFields(value, fields) ?? WRONG : WRONG;

/** Section 6.1: what can be a feature, each once. */
const features: FieldReader = (value) => {
  if (!Array.isArray(value)) return WRONG;
  const names = value.filter((name) =>
    /^[a-z][a-z0-9-]{0,31}$/.test(typeof name === "string" ? name : "")
  );
  return [...new Set(names)].slice(0, 32);
};
const visibleText: FieldReader = (value) =>
  typeof value === "string" && /^[!-~]{1,64}$/.test(value) ? value : WRONG;
const wholeList = (read: FieldReader, max: number): FieldReader => (value) => {
  if (!Array.isArray(value) || value.length > max) return WRONG;
  const entries = value.map(read);
  return entries.includes(WRONG) ? WRONG : entries;
};

const ROLE = must(oneOf("client", "gateway"));
const HELLO = {
  type: must(oneOf("hello")),
  protocol: must(oneOf(1)),
  role: ROLE,
  room: must(room),
  datagramBudget: must(integer),
  resume: may(text),
  name: may(shortText(64)),
  agent: may(shortText(128)),
  features: may(features),
};
const CLIENT_HELLO = { ...HELLO, mac: must(mac), roomKey: may(shortText(128)) };
const GATEWAY_HELLO = { ...HELLO, gatewayKey: may(shortText(128)) };
const PEER = { peerId: must(peerId), role: ROLE, name: may(shortText(64)) };
const REASON = { reason: must(oneOf("bye", "lost", "kicked", "replaced", "error")) };
const TOTAL = orElse(0, count);
const DIAGNOSTICS = {
  relayReachable: may(boolean),
  routePinned: may(boolean),
  datagramBudget: may(count),
  tap: may(object({ state: may(text), mtu: may(count), addresses: may(list(text, 16)) })),
};
const REJECT_CODES = [
  ...["protocol-version", "invalid-hello", "rate-limited", "relay-full", "removed"],
  ...["not-admitted", "budget-too-small", "gateway-exists", "mac-in-use", "mac-reserved"],
  "room-full",
];
const REMOVAL = { by: may(oneOf("host", "operator")), forMs: may(count) };
const LISTED_BAN = {
  id: must(visibleText),
  by: must(oneOf("host", "operator")),
  targets: must(wholeList(visibleText, 8)),
  forMs: may(count),
  reason: may(shortText(128)),
  name: may(shortText(64)),
};
const DISCONNECT_CODES = [
  ...["bye", "protocol-error", "malformed-limit", "hello-timeout", "kicked", "room-closed"],
  ...["relay-restarting", "replaced"],
];

type Schema = Readonly<Record<string, Field>>;
const EITHER: Readonly<Record<string, Schema>> = {
  stats: {
    type: must(text),
    ...{ framesSent: TOTAL, framesReceived: TOTAL, bytesSent: TOTAL, bytesReceived: TOTAL },
    ...{ datagramsSent: TOTAL, datagramsReceived: TOTAL },
    ...{ framesSplit: TOTAL, framesReassembled: TOTAL },
    drops: orElse({}, drops),
    rttUs: may(atLeast(0)),
    uptimeMs: may(atLeast(0)),
    diagnostics: may(object(DIAGNOSTICS)),
  },
  disconnect: {
    type: must(text),
    code: must(oneOf(...DISCONNECT_CODES)),
    message: may(peopleText),
    retryAfterMs: may(count),
    ...REMOVAL,
  },
};
const FROM_ENDPOINT: Readonly<Record<string, Schema>> = {
  ...EITHER,
  budget: { type: must(text), datagramBudget: must(whole(-Infinity, Infinity)) },
  hostRequest: {
    type: must(text),
    request: must(count),
    action: must(oneOf("kick", "ban", "unban", "bans", "lock", "unlock", "release")),
    peerId: may(peerId),
    target: may(shortText(64)),
    forMs: may(count),
    reason: may(shortText(128)),
  },
};
const FROM_RELAY: Readonly<Record<string, Schema>> = {
  ...EITHER,
  welcome: {
    type: must(text),
    protocol: must(oneOf(1)),
    peerId: must(peerId),
    room: must(room),
    tapMtu: must(whole(1_280, 1_500)),
    gatewayPresent: must(boolean),
    relayTime: must(number),
    resume: must(filledText(Infinity)),
    features: may(features),
  },
  reject: {
    type: must(text),
    code: must(oneOf(...REJECT_CODES)),
    message: may(peopleText),
    retryAfterMs: may(count),
    ...REMOVAL,
  },
  hostAnswer: {
    type: must(text),
    request: must(count),
    ok: must(boolean),
    message: may(peopleText),
    bans: may(list(object(LISTED_BAN), 16)),
    more: may(boolean),
  },
  redirect: {
    type: must(text),
    relay: must(address),
    serverName: may(serverName),
    fingerprint: may((value) => /^[A-Za-z0-9_-]{43}$/.test(String(value)) ? value : WRONG),
  },
  roomMtu: { type: must(text), tapMtu: must(whole(1_280, 1_500)) },
  peerJoined: { type: must(text), ...PEER },
  peerLeft: { type: must(text), ...PEER, ...REASON },
};

/** Section 7.1, checks 1 to 3: the first message of an endpoint. */
export function readHello(json: unknown): Reading {
  if (!isObject(json) || json["type"] !== "hello" || !Number.isInteger(json["protocol"])) {
    return { refusal: "invalid-hello" };
  }
  if (json["protocol"] !== 1) return { refusal: "protocol-version" };
  const hello = readFields(json, json["role"] === "client" ? CLIENT_HELLO : GATEWAY_HELLO);
  return hello === undefined ? { refusal: "invalid-hello" } : { message: hello as Message };
}

/** A later message of an endpoint. */
export function readEndpointMessage(json: unknown): Reading {
  return readBySchema(json, FROM_ENDPOINT);
}

/** A message of a relay. */
export function readRelayMessage(json: unknown): Reading {
  return readBySchema(json, FROM_RELAY);
}

function readBySchema(json: unknown, schemas: Readonly<Record<string, Schema>>): Reading {
  const type = isObject(json) ? json["type"] : undefined;
  if (typeof type !== "string" || !Object.hasOwn(schemas, type)) {
    return { refusal: "protocol-error" };
  }
  const fields = json as Record<string, unknown>;
  const isPeer = type === "peerJoined" || type === "peerLeft";
  const schema = isPeer && fields["role"] === "client"
    ? { ...schemas[type], mac: must(mac) }
    : schemas[type];
  const message = readFields(fields, schema);
  return message === undefined ? { refusal: "protocol-error" } : { message: message as Message };
}

/** The fields of a schema, or `undefined` if one of them is wrong or missing. */
function readFields(
  json: Readonly<Record<string, unknown>>,
  fields: Schema,
): Record<string, unknown> | undefined {
  const read: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const given = json[name] ?? undefined;
    const value = given === undefined ? field.absent : field.read(given);
    if (value === WRONG || (value === undefined && field.required)) return undefined;
    if (value !== undefined) read[name] = value;
  }
  return read;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
