/**
 * Where an endpoint's key comes from: the command line (which others on this machine can see in a process
 * list), a file, or the environment.
 *
 * @module
 */
import { formatKey, formatKeyHash, KEY_BYTES, parseKey, roomKeyOf } from "../../control/keys.ts";
import { type KeyKind, printKey, readKey } from "../../control/printed_key.ts";
import { whyReadByOthers } from "../../system/files/mod.ts";
import { takeSecret } from "../../system/environment/mod.ts";
import { sha256 } from "../../trust/sha256.ts";
import { randomBytes } from "../common/random.ts";
import { systemFailure, UserError } from "../../log/user_error.ts";

/** What the command line says of a key. */
export interface KeySource {
  readonly kind: KeyKind;
  /** `--room-key` or `--gateway-key`; checked, and in the form that messages have. */
  readonly text: string | undefined;
  /** `--room-key-file` or `--gateway-key-file`. */
  readonly file: string | undefined;
}

/** A key file is no longer than this. */
const FILE_BYTES_MAX = 4_096;

/**
 * The key's text; undefined where there is none. The environment counts only where neither option is
 * given: `LANPARTY_ROOM_KEY`, `LANPARTY_GATEWAY_KEY`. It is taken out of there, so that programs which
 * are started later do not inherit it.
 *
 * @throws {UserError} both options are given, or what is there is no key
 */
export function accessKey(source: KeySource): string | undefined {
  const { kind, text, file } = source;
  const variable = `LANPARTY_${kind.toUpperCase()}_KEY`;
  const inherited = takeSecret(variable);
  if (text !== undefined && file !== undefined) {
    throw new UserError(`--${kind}-key and --${kind}-key-file: give one of them`, { usage: true });
  }
  if (text !== undefined) return text;
  if (file !== undefined) return keyOfFile(kind, file);
  if (inherited === undefined || inherited === "") return undefined;
  const read = readKey(kind, inherited);
  if (read.ok) return read.key;
  throw new UserError(`${variable}: ${read.why}`, { usage: true });
}

/** The key in a file: alone, or on a line of what `new-key` prints. */
function keyOfFile(kind: KeyKind, file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(file);
  } catch (cause) {
    throw systemFailure(`--${kind}-key-file ${file} cannot be read`, cause);
  }
  const read = bytes.length > FILE_BYTES_MAX
    ? { ok: false, why: `this is no key file: it is longer than ${FILE_BYTES_MAX} bytes` } as const
    : readKey(kind, new TextDecoder().decode(bytes));
  if (!read.ok) throw new UserError(`--${kind}-key-file ${file}: ${read.why}`);
  const why = whyReadByOthers(file);
  if (why !== undefined) throw new UserError(`--${kind}-key-file: ${why}`);
  return read.key;
}

/** The room key of a gateway key, both of 22 characters. */
export function roomKeyText(gatewayKey: string): string {
  const key = parseKey(gatewayKey);
  if (key === undefined) throw new Error("a gateway key that was checked is none");
  return formatKey(roomKeyOf(key, sha256));
}

/** A new pair of keys and what a relay's list has of it, as text. */
export interface NewKeys {
  /** The gateway key as messages have it. */
  readonly key: string;
  /** As they are printed. */
  readonly gatewayKey: string;
  readonly roomKey: string;
  readonly hash: string;
}

/** Makes a pair of keys. */
export function makeKeys(): NewKeys {
  const gatewayKey = randomBytes(KEY_BYTES);
  const roomKey = roomKeyOf(gatewayKey, sha256);
  return {
    key: formatKey(gatewayKey),
    gatewayKey: printKey("gateway", formatKey(gatewayKey)),
    roomKey: printKey("room", formatKey(roomKey)),
    hash: formatKeyHash(roomKey, sha256),
  };
}

/** A line each, as key files may be. */
export function keyFileText({ gatewayKey, roomKey, hash }: NewKeys): string {
  return `gateway-key ${gatewayKey}\nroom-key    ${roomKey}\nkey-hash    ${hash}`;
}
