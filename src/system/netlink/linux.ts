/**
 * Messages to and from Linux' routing netlink (netlink(7), rtnetlink(7)): one request and its answer. And
 * notices of changes, also of other protocols.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { checkCall, closeFd, Errno, errno, libc, SystemCallError } from "../../ffi/libc.ts";
import {
  AddressFamily,
  libcNet,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
} from "../../ffi/libc_net.ts";
import { NETLINK_ROUTE, NetlinkType } from "../../ffi/netlink_constants.ts";
import { NLMSGHDR, RTATTR, SOCKADDR_NL } from "../../ffi/linux_layouts.ts";

const ANSWER_BYTES = 8192;
/** What one read of a dump may bring, and how many reads there may be. */
const DUMP_BYTES = 65_536;
const DUMP_READS_MAX = 1_000;
/** Notices taken by one look. */
const NOTICES_MAX = 256;

/** A message: its head, the struct of its type, and attributes. */
export function encodeMessage(
  type: number,
  flags: number,
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const bodyBytes = parts.reduce((sum, part) => sum + part.length, 0);
  const header = new Struct(NLMSGHDR)
    .setNumber("nlmsg_len", NLMSGHDR.sizeBytes + bodyBytes)
    .setNumber("nlmsg_type", type)
    .setNumber("nlmsg_flags", flags)
    .setNumber("nlmsg_seq", 1);
  const message = new Uint8Array(NLMSGHDR.sizeBytes + bodyBytes);
  let offset = 0;
  for (const part of [header.bytes, ...parts]) {
    message.set(part, offset);
    offset += part.length;
  }
  return message;
}

/** An attribute, whose value must be multiples of four bytes long, so that it needs no padding. */
export function encodeAttribute(type: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new Struct(RTATTR)
    .setNumber("rta_len", RTATTR.sizeBytes + value.length)
    .setNumber("rta_type", type);
  const bytes = new Uint8Array(RTATTR.sizeBytes + value.length);
  bytes.set(head.bytes);
  bytes.set(value, RTATTR.sizeBytes);
  return bytes;
}

/** The attributes of a message by their types; they begin behind the struct of its type. */
export function readAttributes(
  message: Uint8Array<ArrayBuffer>,
  structBytes: number,
): Map<number, Uint8Array<ArrayBuffer>> {
  return readAttributesAt(message, NLMSGHDR.sizeBytes + structBytes);
}

/** The attributes of a piece of a message that begin at an offset. */
export function readAttributesAt(
  message: Uint8Array<ArrayBuffer>,
  start: number,
): Map<number, Uint8Array<ArrayBuffer>> {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const found = new Map<number, Uint8Array<ArrayBuffer>>();
  let offset = start;
  while (offset + RTATTR.sizeBytes <= message.length) {
    const length = view.getUint16(offset + RTATTR.fields.rta_len.offset, true);
    if (length < RTATTR.sizeBytes || offset + length > message.length) break;
    const type = view.getUint16(offset + RTATTR.fields.rta_type.offset, true);
    found.set(type, message.slice(offset + RTATTR.sizeBytes, offset + length));
    offset += (length + 3) & ~3;
  }
  return found;
}

/**
 * Sends one request; returns the kernel's answer, its head included.
 *
 * @param what for a failure's text, such as `RTM_GETROUTE`
 * @throws {SystemCallError} the kernel refuses: with the `errno` that it says
 */
export function askNetlink(
  message: Uint8Array<ArrayBuffer>,
  what: string,
): Uint8Array<ArrayBuffer> {
  const fd = openSocket(0);
  try {
    checkCall("write", libc().write(fd, message, BigInt(message.length)), "netlink");
    const answer = new Uint8Array(ANSWER_BYTES);
    const length = checkCall("read", libc().read(fd, answer, BigInt(answer.length)), "netlink");
    return checkAnswer(answer.slice(0, length), what);
  } finally {
    closeFd(fd);
  }
}

/**
 * Sends a request for a whole table; returns its rows, their heads included.
 *
 * @param message with {@linkcode NetlinkFlag.dump}
 * @param what for a failure's text
 * @throws {SystemCallError} the kernel refuses
 */
export function dumpNetlink(
  message: Uint8Array<ArrayBuffer>,
  what: string,
): Uint8Array<ArrayBuffer>[] {
  const fd = openSocket(0);
  try {
    checkCall("write", libc().write(fd, message, BigInt(message.length)), "netlink");
    const rows: Uint8Array<ArrayBuffer>[] = [];
    const memory = new Uint8Array(DUMP_BYTES);
    for (let reads = 0; reads < DUMP_READS_MAX; reads++) {
      const length = checkCall("read", libc().read(fd, memory, BigInt(memory.length)), "netlink");
      for (const row of splitMessages(memory.slice(0, length), what)) {
        if (messageType(row) === NetlinkType.done) return rows;
        rows.push(checkAnswer(row, what));
      }
    }
    throw new SystemCallError(what, Errno.EIO, "the table has no end");
  } finally {
    closeFd(fd);
  }
}

/** The messages of one read. */
function splitMessages(bytes: Uint8Array<ArrayBuffer>, what: string): Uint8Array<ArrayBuffer>[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: Uint8Array<ArrayBuffer>[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const rest = bytes.length - offset;
    const length = rest < NLMSGHDR.sizeBytes ? 0 : view.getUint32(offset, true);
    if (length < NLMSGHDR.sizeBytes || length > rest) {
      throw new SystemCallError(what, Errno.EIO, "answer cut short");
    }
    messages.push(bytes.slice(offset, offset + length));
    offset += (length + 3) & ~3;
  }
  return messages;
}

/** Throws what an acknowledgement (`NLMSG_ERROR` with a negative errno) reports. */
function checkAnswer(answer: Uint8Array<ArrayBuffer>, what: string): Uint8Array<ArrayBuffer> {
  const view = new DataView(answer.buffer);
  if (answer.length < NLMSGHDR.sizeBytes + 4) {
    throw new SystemCallError(what, Errno.EIO, "answer cut short");
  }
  if (messageType(answer) !== NetlinkType.error) return answer;
  const code = -view.getInt32(NLMSGHDR.sizeBytes, true);
  if (code !== 0) throw new SystemCallError(what, code);
  return answer;
}

/** The type of a message. */
export function messageType(message: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  return view.getUint16(NLMSGHDR.fields.nlmsg_type.offset, true);
}

/** Notices of some groups: that something has changed, not what. */
export class NetlinkNotices {
  readonly #fd: number;
  readonly #memory = new Uint8Array(ANSWER_BYTES);

  /**
   * @param groups of {@linkcode NetlinkGroup}, or those of another protocol
   * @throws {SystemCallError} the kernel has no such protocol
   */
  constructor(groups: number, protocol: number = NETLINK_ROUTE) {
    this.#fd = openSocket(SOCK_NONBLOCK, protocol);
    const address = new Struct(SOCKADDR_NL)
      .setNumber("nl_family", AddressFamily.netlink)
      .setNumber("nl_groups", groups);
    try {
      const { bytes } = address;
      checkCall("bind", libcNet().bind(this.#fd, bytes, bytes.length), "netlink");
    } catch (error) {
      closeFd(this.#fd);
      throw error;
    }
  }

  /** Whether something has changed since the last time. */
  take(): boolean {
    let changed = false;
    for (let i = 0; i < NOTICES_MAX; i++) {
      const length = libc().read(this.#fd, this.#memory, BigInt(this.#memory.length));
      // More than the socket holds: some are lost, and something has changed all the same.
      if (length < 0 && errno() !== Errno.ENOBUFS) break;
      changed = true;
    }
    return changed;
  }

  close(): void {
    closeFd(this.#fd);
  }
}

function openSocket(flags: number, protocol: number = NETLINK_ROUTE): number {
  return checkCall(
    "socket",
    libcNet().socket(AddressFamily.netlink, SOCK_RAW | SOCK_CLOEXEC | flags, protocol),
  );
}
