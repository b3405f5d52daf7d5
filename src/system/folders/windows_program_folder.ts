/**
 * The client's folder among the programs, `C:\Program Files\lanparty-client`: what lies there is
 * loaded, or believed, by a process with an administrator's rights, so nobody else may write there.
 *
 * @module
 */

import { programFilesFolder } from "./windows_known_folder.ts";
import { fileSecurity, makeFolder } from "./windows_security.ts";

const FOLDER = "lanparty-client";

/**
 * Owned by the administrators, who may do everything, as may the system; users read and execute.
 * Nothing is inherited from the folder above (P), all below inherits this (OICI).
 */
export const FOLDER_SECURITY =
  "O:BAG:BAD:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)";

/** Who may write there: administrators, the system, the installer of Windows' own parts. */
const WRITERS: readonly string[] = [
  ...["BA", "S-1-5-32-544", "SY", "S-1-5-18"],
  "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
  // The only user that Wine knows; no domain of Windows has these numbers.
  "S-1-5-21-0-0-0-1000",
];

/** Rights that let their holder read, execute and ask, but change nothing. */
const READ_ONLY = ["FR", "FX", "GR", "GX", "RC"];
const READ_MASK = 0x1200a9 | 0x80000000 | 0x20000000;

/** The folder may be written by others. */
export class UnsafeFolderError extends Error {
  override readonly name = "UnsafeFolderError";
}

/**
 * The folder, made where it is not there.
 *
 * @throws {UnsafeFolderError} others than administrators may write there
 * @throws {WindowsError} it cannot be made
 */
export function programFolder(): string {
  const path = programFolderPath();
  makeFolder(path, FOLDER_SECURITY);
  const writers = writersOf(fileSecurity(path)).filter((sid) => !WRITERS.includes(sid));
  if (writers.length === 0) return path;
  throw new UnsafeFolderError(
    `${path} may be written by others than administrators (${writers.join(", ")}): remove it, ` +
      "and start lanparty-client again",
  );
}

/** Where the folder is, made or not. */
export function programFolderPath(): string {
  return `${programFilesFolder()}\\${FOLDER}`;
}

/**
 * Who may change a file or folder with this security descriptor, as the text has it: its owner, and
 * whoever is allowed more than to read. (What denies is not believed, and what is for those below
 * alone is left out.)
 */
export function writersOf(sddl: string): string[] {
  const owner = /O:(S-[\d-]+|[A-Z]{2})/.exec(sddl)?.[1];
  const list = /D:([A-Z]*)((?:\([^()]*\))*)/.exec(sddl);
  // Without a list everybody may do everything.
  if (owner === undefined || list === null || /NO_ACCESS_CONTROL/.test(sddl)) return ["WD"];
  const writers = [owner];
  for (const [, entry] of list[2].matchAll(/\(([^()]*)\)/g)) {
    const [type, flags = "", rights = "", , , sid = ""] = entry.split(";");
    const isAllowed = type === "A" || type === "XA" || type === "OA";
    const isInheritOnly = flags.match(/../g)?.includes("IO") ?? false;
    if (isAllowed && !isInheritOnly && !isReadOnly(rights)) writers.push(sid);
  }
  return [...new Set(writers)];
}

function isReadOnly(rights: string): boolean {
  if (/^0x[0-9a-f]+$/i.test(rights)) return (Number(rights) & ~READ_MASK) === 0;
  const parts = rights.match(/../g) ?? [];
  return rights.length % 2 === 0 && parts.every((right) => READ_ONLY.includes(right));
}
