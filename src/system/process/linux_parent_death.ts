/**
 * A process that must not outlive the one that has started it.
 *
 * @module
 */

import { checkCall, libc, PR_SET_PDEATHSIG, SIGKILL } from "../../ffi/libc.ts";

/**
 * From now on the system kills this process when its parent ends, however that ends
 * (PR_SET_PDEATHSIG(2const)); also where this process is stuck.
 *
 * @param parent the process id that the parent should have
 * @returns false: it has ended already
 * @throws {SystemCallError}
 */
export function dieWithParent(parent: number): boolean {
  checkCall("prctl", libc().prctl(PR_SET_PDEATHSIG, BigInt(SIGKILL), 0n, 0n, 0n));
  return libc().getppid() === parent;
}
