/**
 * One process at a time for what two must not share, such as a state folder: a file that says which
 * process has it.
 *
 * @module
 */

import { OWNER_ONLY_MODE, readOwnFile, removeFileIfThere, writeFileAtomic } from "../files/mod.ts";
import { identifyProcess, isRunning, parseIdentity, type ProcessIdentity } from "../process/mod.ts";

/** The file for a part (`client` or `gateway`) in its state folder. */
export function instanceFile(stateDir: string, part: string): string {
  return `${stateDir}/lanparty-${part}-process.json`;
}

/** Another process has it, and still runs. */
export class InstanceBusyError extends Error {
  override readonly name = "InstanceBusyError";

  constructor(readonly pid: number) {
    super(`process ${pid} uses it and still runs`);
  }
}

/**
 * Writes this process down as the one; what a killed process left is taken over.
 *
 * @returns gives it back
 * @throws {InstanceBusyError} another process is the one
 * @throws {UnsafePathError} others could have written the file
 */
export function claimInstance(path: string): () => void {
  // Of two that start at the same moment one must see the other.
  const lock = lockFolder(path.replace(/[^/]*$/, "") || ".");
  try {
    const other = runningInstance(path);
    if (other !== undefined) throw new InstanceBusyError(other);
    const self = identifyProcess(Deno.pid) ?? { pid: Deno.pid, startTicks: 0 };
    writeFileAtomic(path, new TextEncoder().encode(JSON.stringify(self)), OWNER_ONLY_MODE);
    return () => removeFileIfThere(path);
  } finally {
    lock?.close();
  }
}

/** The process that has it now, if it is not this one. @throws {UnsafePathError} see {@linkcode claimInstance} */
export function runningInstance(path: string): number | undefined {
  const owner = parseOwner(readOwnFile(path));
  return owner !== undefined && owner.pid !== Deno.pid && isRunning(owner) ? owner.pid : undefined;
}

/** Where folders cannot be opened (Windows) the adapter's driver lets in one process alone. */
function lockFolder(path: string): Deno.FsFile | undefined {
  if (Deno.build.os === "windows") return undefined;
  const folder = Deno.openSync(path, { read: true });
  folder.lockSync(true);
  return folder;
}

function parseOwner(bytes: Uint8Array | undefined): ProcessIdentity | undefined {
  if (bytes === undefined) return undefined;
  try {
    return parseIdentity(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined; // a damaged file names nobody
  }
}
