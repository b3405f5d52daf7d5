/**
 * The player's lasting identity: a MAC address of its own, kept in `lanparty-client-identity.json`.
 *
 * ```json
 * { "version": 1, "mac": "02:00:00:00:00:51" }
 * ```
 *
 * A game server's ban list, a DHCP lease and the others' ARP tables all hang on the MAC, so it
 * should be the same at every start. Fields that this version does not know are kept.
 *
 * @module
 */

import type { IdentityProblem } from "../observe/status.ts";
import { formatMac, isIdentityMac, MAC_BYTES, makeIdentityMac, parseMac } from "../proto/mac.ts";
import type { RandomBytes } from "../endpoint/random.ts";

/** Name of the file in the client's state folder. */
export const IDENTITY_FILE_NAME = "lanparty-client-identity.json";

/** Longest text that is read as an identity file, in UTF-16 code units. */
export const IDENTITY_LENGTH_MAX = 65_536;

/** What the file holds. */
export interface ClientIdentity {
  /** Locally administered unicast MAC. */
  readonly mac: Uint8Array;
  /** The file's other fields, `version` left out. */
  readonly others: Readonly<Record<string, unknown>>;
}

/** What {@link loadIdentity} found, and whether the file must be written. */
export interface LoadedIdentity {
  readonly identity: ClientIdentity;
  /** `kept`: usable as it was; `repaired`: its MAC was made usable; `created`: a new MAC. */
  readonly origin: "kept" | "repaired" | "created";
  /** Whether the file's text should be replaced by {@link formatIdentity}. */
  readonly changed: boolean;
  /** What was wrong with the file; absent if nothing was, or if there was none. */
  readonly problem?: IdentityProblem;
}

/** A new MAC out of six random bytes: unicast, locally administered. */
export function randomIdentityMac(random: RandomBytes): Uint8Array {
  const mac = random(MAC_BYTES).slice(0, MAC_BYTES);
  makeIdentityMac(mac);
  return mac;
}

/**
 * Makes an identity of the file's text (undefined: there is no file), whatever it holds. A MAC in
 * another notation, or one that is universal or a group address, is repaired, keeping its other
 * bits; if there is nothing to keep, a new one is made.
 */
export function loadIdentity(text: string | undefined, random: RandomBytes): LoadedIdentity {
  if (text === undefined) return created({}, random);
  const fields = parseFields(text);
  if (fields === undefined) return created({}, random, "not-json");
  const { mac, version: _version, ...others } = fields;
  if (typeof mac !== "string") return created(others, random, "no-mac");
  const bytes = readMac(mac);
  if (bytes === undefined) return created(others, random, "bad-mac");
  if (isIdentityMac(bytes, 0)) {
    return {
      identity: { mac: bytes, others },
      origin: "kept",
      changed: formatMac(bytes) !== mac,
    };
  }
  if (bytes.subarray(1).every((byte) => byte === 0) || bytes.every((byte) => byte === 0xff)) {
    return created(others, random, "bad-mac");
  }
  makeIdentityMac(bytes);
  return {
    identity: { mac: bytes, others },
    origin: "repaired",
    changed: true,
    problem: "bad-mac",
  };
}

/** The file's text. */
export function formatIdentity({ mac, others }: ClientIdentity): string {
  return JSON.stringify({ version: 1, mac: formatMac(mac), ...others }, null, 2) + "\n";
}

function created(
  others: Record<string, unknown>,
  random: RandomBytes,
  problem?: IdentityProblem,
): LoadedIdentity {
  const identity = { mac: randomIdentityMac(random), others };
  const made = { identity, origin: "created", changed: true } as const;
  return problem === undefined ? made : { ...made, problem };
}

function parseFields(text: string): Record<string, unknown> | undefined {
  if (text.length > IDENTITY_LENGTH_MAX) return undefined;
  try {
    const json: unknown = JSON.parse(text.startsWith("\ufeff") ? text.slice(1) : text);
    if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
    return json as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Also reads `02-00-…`, as Windows writes it, and twelve digits without separators. */
function readMac(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (/^[0-9a-fA-F]{12}$/.test(trimmed)) return parseMac(trimmed.match(/../g)?.join(":") ?? "");
  return parseMac(trimmed.replaceAll("-", ":"));
}
