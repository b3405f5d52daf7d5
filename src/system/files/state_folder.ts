/**
 * Where a program keeps its state between starts.
 *
 * @module
 */

import { openOwnFolder } from "./own_files.ts";

/** What the choice of a folder depends on. */
export interface FolderEnvironment {
  /** The value of an environment variable. */
  get(name: string): string | undefined;
  /** The user's id; 0 is root. */
  readonly uid: number | null;
}

/**
 * Finds, and makes where needed, the state folder of a program. Its path is absolute: what is said of files in it
 * holds wherever it is read.
 *
 * @param part `relay`, `gateway` or `client`
 * @param wanted the folder that is asked for; `undefined`: see {@linkcode defaultStateFolder}
 * @throws {UnsafePathError} others could change what lies in it
 * @throws {Deno.errors.PermissionDenied} it cannot be made
 */
export function stateFolder(part: string, wanted: string | undefined): string {
  return openOwnFolder(wanted ?? ownStateFolder(part));
}

/** The state folder of a program where none is asked for, made or not. */
export function ownStateFolder(part: string): string {
  return (Deno.build.os === "windows" ? windowsFolder : defaultStateFolder)(part, {
    get: (name) => Deno.env.get(name),
    uid: Deno.uid(),
  });
}

/** The user's application data: it moves with the user from one PC of a domain to the next. */
function windowsFolder(part: string, environment: FolderEnvironment): string {
  return `${environment.get("APPDATA") ?? "C:"}\\lanparty-${part}`;
}

/**
 * What systemd gives (`STATE_DIRECTORY`, systemd.exec(5)), else `/var/lib/lanparty-…` for root, else
 * the user's own (`XDG_STATE_HOME`, XDG Base Directory Specification).
 */
export function defaultStateFolder(part: string, environment: FolderEnvironment): string {
  // It may name several folders.
  const given = environment.get("STATE_DIRECTORY")?.split(":")[0];
  if (given) return given;
  if (environment.uid === 0) return `/var/lib/lanparty-${part}`;
  const home = environment.get("HOME") || "/";
  const state = environment.get("XDG_STATE_HOME");
  // The specification has relative paths ignored.
  const base = state?.startsWith("/") ? state : `${home.replace(/\/$/, "")}/.local/state`;
  return `${base}/lanparty-${part}`;
}
