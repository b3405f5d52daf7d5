/**
 * Who may join, from the relay's options to the core's policy.
 *
 * @module
 */
import type { ListenAddress } from "../../control/address.ts";
import {
  type AdmissionPolicy,
  KEY_SALT_BYTES,
  KeyedPolicy,
  ListedPolicy,
} from "../../relay/policy.ts";
import { sha256 } from "../../trust/sha256.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { randomBytes } from "../common/random.ts";
import { UserError } from "../../log/user_error.ts";

/** What the options say of who may join. */
export interface PolicyOptions {
  readonly policy: "open" | "keyed" | "listed";
  /** Room codes with the hash of a key that is good for them; a code may stand there several times. */
  readonly allowedRooms: readonly (readonly [code: string, hash: Uint8Array])[];
}

/**
 * The policy.
 *
 * @param salt {@linkcode KEY_SALT_BYTES} that nobody else knows
 * @throws {UserError} the options do not fit together
 */
export function policyOf(
  options: PolicyOptions,
  salt: Uint8Array = randomBytes(KEY_SALT_BYTES),
): "open" | AdmissionPolicy {
  const { policy, allowedRooms } = options;
  if (policy === "listed") {
    if (allowedRooms.length > 0) return new ListedPolicy(sha256, byCode(allowedRooms));
    throw new UserError("--policy listed needs --allow-room ROOM=HASH", { usage: true });
  }
  if (allowedRooms.length > 0) {
    throw new UserError(`--allow-room needs --policy listed, not ${policy}`, { usage: true });
  }
  return policy === "open" ? policy : new KeyedPolicy(sha256, salt);
}

/** Looks whether the options fit together, before anything is made. @throws {UserError} they do not */
export function requirePolicy(options: PolicyOptions): void {
  policyOf(options);
}

/** What the policy means for strangers, for the first line of the log: whoever runs a relay must know. */
export function policyNotice(
  { policy, allowedRooms }: PolicyOptions,
): { readonly level: "info" | "warning"; readonly text: string } {
  const rooms = new Set(allowedRooms.map(([code]) => code)).size;
  switch (policy) {
    case "open":
      return {
        level: "warning",
        text: "Everybody may use this relay, and come into each room whose code is known or " +
          "guessed: --policy keyed asks for keys, --policy listed serves your own rooms alone",
      };
    case "keyed":
      return {
        level: "info",
        text: "Everybody may open rooms at this relay, with any key: --policy listed with " +
          "--allow-room serves your own rooms alone",
      };
    case "listed":
      return {
        level: "info",
        text: `This relay serves ${rooms === 1 ? "one room" : `${rooms} rooms`} and nobody else`,
      };
  }
}

/** What the fingerprint is for: players and gateways trust the relay by it, or by who has signed the certificate. */
export function trustNotice(fingerprint: string, isOwn: boolean): string {
  const how = `--relay-fingerprint ${fingerprint}`;
  return isOwn
    ? `Players and gateways know this relay by its fingerprint: ${how}`
    : "Players and gateways need no fingerprint where a public CA has signed the certificate; " +
      `otherwise ${how}`;
}

/**
 * How players and gateways have all ports of a relay tried, so that a network which lets one out is enough; undefined: there is
 * one alone.
 */
export function portsNotice(listen: readonly ListenAddress[]): string | undefined {
  const ports = [...new Set(listen.map(({ port }) => port))].filter((port) => port !== 0);
  if (ports.length < 2) return undefined;
  const ways = ports.map((port) => `HOST:${port}`).join(",");
  return `Players and gateways try all ports that they are told: --relay ${ways}`;
}

/** Logs {@linkcode policyNotice}, {@linkcode trustNotice} and {@linkcode portsNotice}. */
export function sayFirst(
  options: PolicyOptions & {
    readonly certificateFile: string | undefined;
    readonly listen: readonly ListenAddress[];
  },
  { fingerprint }: { readonly fingerprint: string },
  logger: Logger,
): void {
  const { level, text } = policyNotice(options);
  logText(logger, level, text, { policy: options.policy });
  logText(logger, "info", trustNotice(fingerprint, options.certificateFile === undefined));
  const ports = portsNotice(options.listen);
  if (ports !== undefined) logText(logger, "info", ports);
}

function byCode(allowedRooms: PolicyOptions["allowedRooms"]): [string, Uint8Array[]][] {
  const rooms = Map.groupBy(allowedRooms, ([code]) => code);
  return Array.from(rooms, ([code, entries]) => [code, entries.map(([, hash]) => hash)]);
}
