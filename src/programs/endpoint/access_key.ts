/**
 * Where an endpoint's key comes from: the command line (which others on this machine can see in a process
 * list), a file, or the environment.
 */
import { formatKey, formatKeyHash, KEY_BYTES, parseKey, roomKeyOf } from "../../control/keys.ts";
import { whyReadByOthers } from "../../system/files/mod.ts";
import { takeSecret } from "../../system/environment/mod.ts";
import { sha256 } from "../../trust/sha256.ts";
import { randomBytes } from "../common/random.ts";
import { systemFailure, UserError } from "../../log/user_error.ts";

/** Which of the two keys. */
export type KeyKind = "room-key" | "gateway-key";

/** What the command line says of a key. */
export interface KeySource {
  readonly kind: KeyKind;
  /** `--room-key` or `--gateway-key`; checked. */
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
  const variable = `LANPARTY_${kind.replace("-", "_").toUpperCase()}`;
  const inherited = takeSecret(variable);
  if (text !== undefined && file !== undefined) {
    throw new UserError(`--${kind} and --${kind}-file: give one of them`, { usage: true });
  }
  if (text !== undefined) return text;
  if (file !== undefined) return keyOfFile(kind, file);
  if (inherited === undefined || inherited === "") return undefined;
  if (parseKey(inherited.trim()) === undefined) {
    throw new UserError(`${variable} holds no key of 22 characters`, { usage: true });
  }
  return inherited.trim();
}

/** The key in a file: alone, or on a line of what `new-key` prints. */
function keyOfFile(kind: KeyKind, file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(file);
  } catch (cause) {
    throw systemFailure(`--${kind}-file ${file} cannot be read`, cause);
  }
  const text = bytes.length > FILE_BYTES_MAX ? "" : new TextDecoder().decode(bytes).trim();
  const labelled = text.split(/\r?\n/).find((line) => line.startsWith(`${kind} `));
  const key = labelled === undefined ? text : labelled.slice(kind.length).trim();
  if (parseKey(key) === undefined) {
    throw new UserError(`--${kind}-file ${file} holds no key of 22 characters`);
  }
  const why = whyReadByOthers(file);
  if (why !== undefined) throw new UserError(`--${kind}-file: ${why}`);
  return key;
}

/** A new pair of keys and what a relay's list has of it, a line each, as key files may be. */
export function newKeyText(): string {
  const gatewayKey = randomBytes(KEY_BYTES);
  const roomKey = roomKeyOf(gatewayKey, sha256);
  return [
    `gateway-key ${formatKey(gatewayKey)}`,
    `room-key    ${formatKey(roomKey)}`,
    `key-hash    ${formatKeyHash(roomKey, sha256)}`,
  ].join("\n");
}
