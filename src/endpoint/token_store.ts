/**
 * The resume tokens that an endpoint keeps on disk, per relay, room and own identity.
 *
 * A file of JSON, to be written with mode 0600, since whoever holds a token can take the session:
 *
 * ```json
 * { "version": 1, "tokens": [
 *   { "relay": "N0cI__d3nV2Xnsh11W3SKG9tPPfsMXo7JWMqqyjsN7s", "room": "LAN", "peer": "02:00:00:00:00:51",
 *     "token": "…" }
 * ] }
 * ```
 *
 * `relay` is the fingerprint of its key: it is the same relay by whatever name or port it was found, and another
 * one is not shown the token. `peer` is the client's MAC, or `gateway`. The newest entry stands last.
 *
 * @module
 */

/** Tokens kept; the oldest gives way. */
export const TOKENS_MAX = 64;
/** Longest token kept, in UTF-16 code units. */
export const TOKEN_LENGTH_MAX = 1024;
/** Name of the file in the endpoint's state folder. */
export const TOKEN_FILE_NAME = "lanparty-resume-tokens.json";

/** Whose token: one endpoint in one room of one relay. */
export interface TokenKey {
  /** The fingerprint of the relay's key; where that is not known, `host:port`. */
  readonly relay: string;
  /** The room code. */
  readonly room: string;
  /** The client's MAC in canonical text, or `gateway`. */
  readonly peer: string;
}

/** An entry of the file. */
export interface TokenEntry extends TokenKey {
  readonly token: string;
}

/** The tokens of one state folder. */
export class TokenStore {
  #entries: TokenEntry[] = [];

  /** How many tokens there are. */
  get size(): number {
    return this.#entries.length;
  }

  /**
   * Reads a file's text. What cannot be used is left out: a lost token costs a few seconds at
   * most, so a damaged file is no reason to refuse to start.
   */
  static parse(text: string): TokenStore {
    const store = new TokenStore();
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return store;
    }
    if (typeof json !== "object" || json === null) return store;
    const { version, tokens } = json as { version?: unknown; tokens?: unknown };
    if (version !== 1 || !Array.isArray(tokens)) return store;
    for (const entry of tokens.slice(-TOKENS_MAX)) {
      if (typeof entry !== "object" || entry === null) continue;
      const { relay, room, peer, token } = entry as Record<string, unknown>;
      if (
        typeof relay === "string" && typeof room === "string" && typeof peer === "string" &&
        typeof token === "string"
      ) {
        store.set({ relay, room, peer }, token);
      }
    }
    return store;
  }

  /** The file's text. */
  format(): string {
    return JSON.stringify({ version: 1, tokens: this.#entries }, null, 2) + "\n";
  }

  /** The token for `key`, or undefined. */
  get(key: TokenKey): string | undefined {
    return this.#entries.find((entry) => sameKey(entry, key))?.token;
  }

  /** Keeps a token in place of an earlier one. False: nothing changed, or it is unusable. */
  set(key: TokenKey, token: string): boolean {
    if (token.length === 0 || token.length > TOKEN_LENGTH_MAX) return false;
    if (this.get(key) === token) return false;
    this.delete(key);
    this.#entries.push({
      relay: key.relay.toLowerCase(),
      room: key.room,
      peer: key.peer,
      token,
    });
    if (this.#entries.length > TOKENS_MAX) this.#entries.shift();
    return true;
  }

  /** Forgets a token. False: there was none. */
  delete(key: TokenKey): boolean {
    const index = this.#entries.findIndex((entry) => sameKey(entry, key));
    if (index < 0) return false;
    this.#entries.splice(index, 1);
    return true;
  }
}

function sameKey(a: TokenKey, b: TokenKey): boolean {
  return a.relay.toLowerCase() === b.relay.toLowerCase() && a.room === b.room && a.peer === b.peer;
}
