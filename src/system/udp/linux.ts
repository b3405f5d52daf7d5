/**
 * How many bytes of datagrams Linux lets wait at a socket, and how many datagrams it has dropped at those of this
 * process (socket(7), proc_net(5)).
 *
 * @module
 */

import { checkCall, closeFd } from "../../ffi/libc.ts";
import {
  AddressFamily,
  libcNet,
  SO_RCVBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
} from "../../ffi/libc_net.ts";

/** What the QUIC library asks for: as much as there is. */
const ASKED_BYTES = 0x7fff_ffff;
const TABLES = ["/proc/self/net/udp", "/proc/self/net/udp6"] as const;
/** Columns of a table's row: its socket's inode, and at the end what was dropped. */
const INODE_COLUMN = 9;

/**
 * Bytes of datagrams that may wait at a socket which asks for as many as possible (`net.core.rmem_max`).
 *
 * @throws {SystemCallError} there can be no socket
 */
export function grantedReceiveBytes(): number {
  const libc = libcNet();
  const fd = checkCall("socket", libc.socket(AddressFamily.inet, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    const value = new Int32Array([ASKED_BYTES]);
    const bytes = new Uint8Array(value.buffer);
    checkCall("setsockopt", libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, bytes, bytes.length));
    const length = new Uint8Array(Uint32Array.of(bytes.length).buffer);
    checkCall("getsockopt", libc.getsockopt(fd, SOL_SOCKET, SO_RCVBUF, bytes, length));
    // The kernel says twice what it was asked for: the other half is for its own bookkeeping.
    return value[0] / 2;
  } finally {
    closeFd(fd);
  }
}

/** Datagrams that were dropped at this process's sockets since each was opened, by the sockets' inodes. */
export function lostDatagrams(): ReadonlyMap<string, number> {
  const own = ownInodes();
  return new Map(TABLES.flatMap((path) => {
    try {
      return parseLosses(Deno.readTextFileSync(path), own);
    } catch {
      return []; // no such version of IP, or no /proc
    }
  }));
}

/** What a table says of some sockets: inode and datagrams. */
export function parseLosses(table: string, inodes: ReadonlySet<string>): [string, number][] {
  return table.split("\n").slice(1).flatMap((row): [string, number][] => {
    const columns = row.trim().split(/\s+/);
    const [inode, count] = [columns[INODE_COLUMN], Number(columns.at(-1))];
    return inodes.has(inode) && Number.isInteger(count) ? [[inode, count]] : [];
  });
}

function ownInodes(): Set<string> {
  const inodes = new Set<string>();
  try {
    for (const { name } of Deno.readDirSync("/proc/self/fd")) {
      const inode = /^socket:\[([0-9]+)\]$/.exec(linkOf(name))?.[1];
      if (inode !== undefined) inodes.add(inode);
    }
  } catch {
    // No /proc: nothing is known.
  }
  return inodes;
}

function linkOf(name: string): string {
  try {
    return Deno.readLinkSync(`/proc/self/fd/${name}`);
  } catch {
    return ""; // closed meanwhile
  }
}
