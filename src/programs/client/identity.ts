/**
 * The player's lasting MAC: from the command line, or from a file that is made once.
 *
 * @module
 */
import {
  formatIdentity,
  IDENTITY_FILE_NAME,
  IDENTITY_LENGTH_MAX,
  loadIdentity,
} from "../../client/identity.ts";
import { type StatusEvent, statusLine } from "../../observe/status.ts";
import { OWNER_ONLY_MODE, pathIn, readOwnFile, writeFileAtomic } from "../../system/files/mod.ts";
import { formatMac } from "../../proto/mac.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { randomBytes } from "../common/random.ts";
import { reasonOf, UserError } from "../../log/user_error.ts";

/** Where a client's MAC is kept. */
export function identityFile(stateDir: string): string {
  return pathIn(stateDir, IDENTITY_FILE_NAME);
}

/** The MAC that is kept for this client; undefined: none is yet, or it cannot be read. */
export function keptMac(stateDir: string): Uint8Array | undefined {
  try {
    const text = readText(identityFile(stateDir));
    if (text === undefined) return undefined;
    const { identity, origin } = loadIdentity(text, randomBytes);
    return origin === "kept" ? identity.mac : undefined;
  } catch (error) {
    if (error instanceof Error) return undefined; // what is wrong with it is said when it is used
    throw error;
  }
}

function readText(path: string): string | undefined {
  const bytes = readOwnFile(path);
  if (bytes === undefined) return undefined;
  return new TextDecoder().decode(bytes.subarray(0, IDENTITY_LENGTH_MAX + 1));
}

/**
 * The MAC of this client; a file that is damaged is repaired, and that is said.
 *
 * @throws {UserError} the file can be neither used nor written
 */
export function clientMac(stateDir: string, logger: Logger): Uint8Array {
  const path = identityFile(stateDir);
  try {
    const { identity, changed, origin, problem } = loadIdentity(readText(path), randomBytes);
    if (changed) {
      writeFileAtomic(path, new TextEncoder().encode(formatIdentity(identity)), OWNER_ONLY_MODE);
    }
    const mac = formatMac(identity.mac);
    if (problem !== undefined) say({ type: "identityRepaired", problem, mac, file: path }, logger);
    else if (origin === "created") say({ type: "identityCreated", mac, file: path }, logger);
    return identity.mac;
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new UserError(`the identity file ${path} cannot be used: ${reasonOf(cause)}`, { cause });
  }
}

function say(event: StatusEvent, logger: Logger): void {
  const { level, text } = statusLine(event);
  logText(logger, level, text, { event: event.type });
}
