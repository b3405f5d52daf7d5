/**
 * The file in which `lanparty-gateway host` keeps a party: a configuration file of the gateway's, which it writes by
 * itself.
 *
 * @module
 */
import { stringify } from "smol-toml";
import type { PartyOptionTexts } from "../programs/gateway/host_party.ts";
import { readMark } from "../programs/common/install_plan.ts";
import {
  exists,
  OWNER_ONLY_MODE,
  pathIn,
  readOwnFile,
  removeFileIfThere,
  writeFileAtomic,
} from "../system/files/mod.ts";
import { systemFailure, UserError } from "../log/user_error.ts";
import { CONFIG_BYTES_MAX, parseConfig } from "./config_file.ts";
import type { ProgramSpec } from "./options.ts";

const NAME = "party.toml";
const HEAD = [
  "# A party of lanparty-gateway host, which writes this file when it is given options.",
  "# The gateway key is a secret: whoever has it can take the party over.",
];

/** Where a party is kept in a state folder. */
export function partyFile(stateDir: string): string {
  return pathIn(stateDir, NAME);
}

/**
 * The party that is kept in a folder; undefined: none is yet.
 *
 * @throws {UserError} the file cannot be used
 */
export function readParty(program: ProgramSpec, stateDir: string): PartyOptionTexts | undefined {
  const path = partyFile(stateDir);
  let bytes: Uint8Array | undefined;
  try {
    bytes = readOwnFile(path, true);
  } catch (cause) {
    throw systemFailure(`the party cannot be read`, cause);
  }
  if (bytes === undefined) return undefined;
  const result = bytes.length > CONFIG_BYTES_MAX
    ? { ok: false, line: 1, message: `it is longer than ${CONFIG_BYTES_MAX} bytes` } as const
    : parseConfig(program, new TextDecoder().decode(bytes));
  if (result.ok) return result.values;
  throw new UserError(
    `${path}:${result.line}: ${result.message}. Mend it; or remove the file, and a new party is made, whose ` +
      "players need a new invite",
  );
}

/** Keeps a party. @throws {UserError} it cannot be written */
export function writeParty(stateDir: string, options: PartyOptionTexts): void {
  try {
    const bytes = new TextEncoder().encode(formatParty(options));
    writeFileAtomic(partyFile(stateDir), bytes, OWNER_ONLY_MODE);
  } catch (cause) {
    throw systemFailure(`the party cannot be kept in ${stateDir}`, cause);
  }
}

/** Forgets a party. @returns whether there was one @throws {UserError} its file cannot be removed */
export function forgetParty(stateDir: string): boolean {
  const file = partyFile(stateDir);
  try {
    const isThere = exists(file);
    removeFileIfThere(file);
    return isThere;
  } catch (cause) {
    throw systemFailure("the party cannot be forgotten", cause);
  }
}

/** The state folder of the party that a unit runs; undefined: it runs none of ours. */
export function servedFolder(unit: string): string | undefined {
  if (readMark(unit) === undefined) return undefined;
  const file = /^LoadCredential=config:(.*)$/m.exec(unit)?.[1].replaceAll("%%", "%");
  const end = `/${NAME}`;
  return file?.endsWith(end) ? file.slice(0, -end.length) : undefined;
}

/** The file's text. */
export function formatParty(options: PartyOptionTexts): string {
  const table = Object.fromEntries(
    Array.from(options, ([name, value]) => [
      name,
      Array.isArray(value) && value.length === 1 ? value[0] : value,
    ]),
  );
  return [...HEAD, stringify(table)].join("\n");
}
