/**
 * How what a DHCP client left is taken back at the next start, when its program was killed. The journal is
 * a file: what it names is checked against what a client of ours can have left, before anything is done.
 *
 * @module
 */

import type { DhcpClientKind } from "./plan.ts";
import { type ChangeData, ForeignChangeError, type Undo } from "../journal/journal.ts";
import {
  identifyProcess,
  isOfEarlierBoot,
  isRunning,
  killProcess,
  parseIdentity,
  type ProcessIdentity,
} from "../process/identity.ts";
import { endSessionBlocking, sessionMembers } from "../process/session.ts";

/** Names of files outside of the session's folder; what is in brackets is the interface. */
const OUTSIDE = [
  /^\/run\/dhclient-lanparty-([A-Za-z0-9_.-]{1,15})\.(?:lease-conf|leases|pid)$/,
  /^\/var\/lib\/dhcpcd\/([A-Za-z0-9_.-]{1,15})\.lease$/,
  /^\/run\/systemd\/network\/10-lanparty-([A-Za-z0-9_.-]{1,15})\.network$/,
];
const PROGRAMS: readonly DhcpClientKind[] = ["udhcpc", "busybox", "dhcpcd", "dhclient"];

/** What the start of a DHCP client is in a journal. */
export interface DhcpProcess extends ProcessIdentity {
  /** The adapter that it was started for. */
  readonly interface: string;
}

/** What must be known to tell a client of ours from others. */
export interface DhcpLeftovers {
  /** The folder of the session's files. */
  readonly folder: string;
  /** The adapter that this program uses. */
  readonly interface: string;
  /** Whether an interface is there now. One of an earlier program's went with it. */
  readonly isInterface: (name: string) => boolean;
}

/**
 * Takes away a file or folder: its data is the path. That of the session goes with all that is in it.
 *
 * @throws {ForeignChangeError} it is none of a DHCP client's of ours
 */
export function undoDhcpFile({ folder }: Pick<DhcpLeftovers, "folder">): Undo {
  return (data) => {
    if (typeof data !== "string") throw foreign(data);
    if (data !== folder && !OUTSIDE.some((name) => name.test(data))) throw foreign(data);
    try {
      Deno.removeSync(data, { recursive: data === folder });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
}

/**
 * Kills a DHCP client that runs on without us, with its helpers and scripts, and waits for their end: what
 * they write is to be put back after. Its data is a {@linkcode DhcpProcess}.
 *
 * @throws {ForeignChangeError} that process is no DHCP client, or one for an interface of others
 */
export function undoDhcpProcess(leftovers: DhcpLeftovers): Undo {
  return (data) => {
    const identity = parseIdentity(data);
    const name = (data as { interface?: unknown } | null)?.interface;
    if (identity === undefined || typeof name !== "string") throw foreign(data);
    const isOurs = name === leftovers.interface || !leftovers.isInterface(name);
    if (isRunning(identity)) {
      if (isOurs && isClientFor(identity.pid, name)) {
        killProcess(identity);
        endSessionBlocking(identity.pid);
      } else if (isRunning(identity)) throw foreign(data);
    }
    if (isOurs) endHelpers(identity, name);
  };
}

/** A dhcpcd that was killed by another leaves helpers, one of which runs its script. */
function endHelpers(leader: ProcessIdentity, name: string): void {
  if (isOfEarlierBoot(leader)) return;
  // Another process has its id: then none of its helpers is left.
  if (identifyProcess(leader.pid) !== undefined) return;
  const isOurs = sessionMembers(leader.pid).some(({ pid }) => isClientFor(pid, name));
  if (isOurs) endSessionBlocking(leader.pid);
}

/** Whether a process is a DHCP client for an interface, by the name of its program's file; see proc(5). */
function isClientFor(pid: number, name: string): boolean {
  try {
    const path = Deno.readLinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
    const program = path.replace(/^.*\//, "");
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
    // A dhcpcd puts a title in its arguments' place: "dhcpcd: [privileged proxy] lanparty0 [ip4]".
    if (words[0].startsWith(`${program}: `)) words.push(...words[0].split(" "));
    return PROGRAMS.some((kind) => kind === program) && words.includes(name);
  } catch {
    return false; // it has ended
  }
}

function foreign(data: ChangeData): ForeignChangeError {
  return new ForeignChangeError(`no DHCP client of ours has left ${JSON.stringify(data)}`);
}
