/**
 * Who may enter which room: `open`, `keyed` and `listed`.
 *
 * ```
 *  policy   a hello needs                    a room is
 *  open     nothing                          its code
 *  keyed    a key, any                       the pair of code and room key
 *  listed   the key that the list has a      its code, if the list has it
 *           hash of
 * ```
 *
 * A gateway shows the gateway key, from which the room key follows; so no player can take its place. What
 * is kept of keys are hashes, and they are compared in constant time.
 *
 * @module
 */
import { base64Url } from "../control/base64url.ts";
import {
  asciiBytes,
  equalInConstantTime,
  joinBytes,
  KEY_HASH_BYTES,
  parseKey,
  roomKeyOf,
  type Sha256,
} from "../control/keys.ts";
import type { Hello } from "../control/messages.ts";

/** Who may enter which room. */
export interface AdmissionPolicy {
  /**
   * What tells the room that this hello may enter from all others, or `undefined` when it may not: a
   * wrong key, a missing key and an unknown room must look the same. It begins with the room's code;
   * what follows, behind a `.`, must not tell the key.
   */
  roomKey(hello: Hello): string | undefined;
  /** Whether a room's gateway has shown that it is the host's; absent: anybody can be it. */
  readonly provesHost?: boolean;
}

//= PROTOCOL.md 7.3
//# A relay may ask for no keys at all, and ignores them then; or admit only rooms that it has on a
//# list, with the SHA-256 of each one's room key.
/** Everyone may join: the room's code alone tells rooms apart. */
export const OPEN_POLICY: AdmissionPolicy = { roomKey: (hello) => hello.room };

/** Bytes of the salt of {@link KeyedPolicy}. */
export const KEY_SALT_BYTES = 32;

//= PROTOCOL.md 7.3
//# Where a relay asks for keys, a client sends `roomKey`, a gateway `gatewayKey`, from which the
//# relay computes the room key; and a room **is** the pair of name and room key.
/**
 * Everyone who has a key may join: a room is the pair of its code and its key. Two parties of the same
 * name never meet, and nobody can take a name before its owner comes.
 */
export class KeyedPolicy implements AdmissionPolicy {
  readonly provesHost = true;
  readonly #sha256: Sha256;
  readonly #salt: Uint8Array;

  /** `salt` is random and of this relay alone: what tells rooms apart tells nothing anywhere else. */
  constructor(sha256: Sha256, salt: Uint8Array) {
    this.#sha256 = sha256;
    this.#salt = salt;
  }

  roomKey(hello: Hello): string | undefined {
    const key = shownKey(hello, this.#sha256);
    if (key === undefined) return undefined;
    // The code cannot run into the key: that one always has 16 bytes.
    const digest = this.#sha256(joinBytes(this.#salt, asciiBytes(hello.room), key));
    return `${hello.room}.${base64Url(digest)}`;
  }
}

/** Only the rooms of a list, each with the hash of its room key; of several while keys change. */
export class ListedPolicy implements AdmissionPolicy {
  readonly provesHost = true;
  readonly #rooms: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly #sha256: Sha256;

  /** `rooms`: codes (upper case) with the SHA-256 of each room key that is good for them. */
  constructor(
    sha256: Sha256,
    rooms: Iterable<readonly [code: string, hashes: readonly Uint8Array[]]>,
  ) {
    this.#sha256 = sha256;
    this.#rooms = new Map(rooms);
  }

  roomKey(hello: Hello): string | undefined {
    const key = shownKey(hello, this.#sha256);
    const hash = key === undefined ? NO_HASH : this.#sha256(key);
    const listed = this.#rooms.get(hello.room);
    let fits = false;
    // An unknown room takes as long as one with one key.
    for (const other of listed ?? UNKNOWN_ROOM) {
      //= PROTOCOL.md 7.3
      //# A relay keeps hashes of keys only and compares in constant time.
      if (equalInConstantTime(hash, other)) fits = true;
    }
    return fits && listed !== undefined && key !== undefined ? hello.room : undefined;
  }
}

const NO_HASH = new Uint8Array(KEY_HASH_BYTES);
const UNKNOWN_ROOM: readonly Uint8Array[] = [NO_HASH];

/** The room key that a hello proves to have. */
function shownKey(hello: Hello, sha256: Sha256): Uint8Array | undefined {
  if (hello.role === "client") {
    return hello.roomKey === undefined ? undefined : parseKey(hello.roomKey);
  }
  const gatewayKey = hello.gatewayKey === undefined ? undefined : parseKey(hello.gatewayKey);
  return gatewayKey === undefined ? undefined : roomKeyOf(gatewayKey, sha256);
}
