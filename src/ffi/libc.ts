/**
 * The part of libc that every platform folder needs: descriptors, epoll, eventfd, memory copies.
 * Sockets, ioctls and TAP devices are in `libc_net.ts`.
 *
 * Nothing is opened when this module is imported: {@linkcode libc} opens the library at its first
 * call.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

/** Names of the libc that Linux systems with glibc carry. */
export const LIBC_NAME = "libc.so.6";

/** `errno` values that callers tell apart (asm-generic/errno-base.h and errno.h). */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EXDEV: 18,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ENOSPC: 28,
  EPIPE: 32,
  ENOSYS: 38,
  EBADFD: 77,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
} as const;

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(Errno).map(([name, value]) => [value, name]),
);

/** The symbolic name of an errno value, or its number in words. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? `errno ${errno}`;
}

/** A system or library call that failed: which one, and with what `errno`. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  /** The call as C names it, e.g. `epoll_ctl`. */
  readonly call: string;
  readonly errno: number;

  constructor(call: string, errno: number, detail?: string) {
    super(`${call} failed: ${errnoName(errno)}${detail === undefined ? "" : ` (${detail})`}`);
    this.call = call;
    this.errno = errno;
  }
}

/** `EPOLL_CTL_*` operations (sys/epoll.h). */
export const EpollOperation = { add: 1, delete: 2, modify: 3 } as const;

/** `EPOLL*` event bits (sys/epoll.h). */
export const EpollEvent = {
  in: 0x001,
  out: 0x004,
  error: 0x008,
  hangUp: 0x010,
  peerHangUp: 0x2000,
} as const;

/** `EPOLL_CLOEXEC`, `EFD_CLOEXEC`, `EFD_NONBLOCK`, `MFD_CLOEXEC`, `O_*` flags on x86-64 and AArch64. */
export const EPOLL_CLOEXEC = 0o2000000;
export const EFD_CLOEXEC = 0o2000000;
export const EFD_NONBLOCK = 0o4000;
export const MFD_CLOEXEC = 1;
export const O_RDWR = 2;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
/** `F_GETFL`, `F_SETFL` (fcntl.h). */
export const F_GETFL = 3;
export const F_SETFL = 4;
/** `PR_SET_PDEATHSIG` (sys/prctl.h) and the signal that it is used with (signal.h). */
export const PR_SET_PDEATHSIG = 1;
export const SIGKILL = 9;
/** Bytes that an eventfd is read and written in. */
export const EVENTFD_BYTES = 8;

/** What `epoll_wait` fills in: packed on x86-64, so that the 64-bit data is not aligned there. */
export const EPOLL_EVENT = {
  name: "struct epoll_event",
  header: "sys/epoll.h",
  page: "https://man7.org/linux/man-pages/man3/epoll_event.3type.html",
  sizeBytes: Deno.build.arch === "x86_64" ? 12 : 16,
  fields: {
    events: { offset: 0, type: "u32" },
    data: { offset: Deno.build.arch === "x86_64" ? 4 : 8, type: "u64" },
  },
} as const satisfies StructLayout;

/** What `poll` is asked of one descriptor, and answers. */
export const POLLFD = {
  name: "struct pollfd",
  header: "poll.h",
  page: "https://man7.org/linux/man-pages/man2/poll.2.html",
  sizeBytes: 8,
  fields: {
    fd: { offset: 0, type: "i32" },
    events: { offset: 4, type: "u16" },
    revents: { offset: 6, type: "u16" },
  },
} as const satisfies StructLayout;

/** `POLLOUT` (poll.h): writing will not block. */
export const POLLOUT = 0x004;

const SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },
  clock_gettime: { parameters: ["i32", /* clockid */ "buffer" /* tp */], result: "i32" },
  fcntl: {
    // Variadic in C; an int in its third place is passed like any other argument on x86-64 and AArch64.
    parameters: ["i32", /* fd */ "i32", /* cmd */ "i32" /* arg */],
    result: "i32",
  },
  getpid: { parameters: [], result: "i32" },
  getppid: { parameters: [], result: "i32" },
  prctl: {
    // Variadic in C, and so are its longs.
    parameters: [
      "i32", /* option */
      "u64", /* arg2 */
      "u64", /* arg3 */
      "u64", /* arg4 */
      "u64", /* arg5 */
    ],
    result: "i32",
  },
  getuid: { parameters: [], result: "u32" },
  open: {
    parameters: ["buffer", /* pathname */ "i32" /* flags */],
    result: "i32",
  },
  close: { parameters: ["i32" /* fd */], result: "i32" },
  read: {
    parameters: ["i32", /* fd */ "buffer", /* buf */ "usize" /* count */],
    result: "isize",
  },
  write: {
    parameters: ["i32", /* fd */ "buffer", /* buf */ "usize" /* count */],
    result: "isize",
  },
  memfd_create: {
    parameters: ["buffer", /* name */ "u32" /* flags */],
    result: "i32",
  },
  poll: {
    parameters: ["buffer", /* fds */ "usize", /* nfds */ "i32" /* timeout, ms */],
    result: "i32",
  },
  eventfd: {
    parameters: ["u32", /* initval */ "i32" /* flags */],
    result: "i32",
  },
  setenv: {
    parameters: ["buffer", /* name */ "buffer", /* value */ "i32" /* overwrite */],
    result: "i32",
  },
  unsetenv: { parameters: ["buffer" /* name */], result: "i32" },
  epoll_create1: { parameters: ["i32" /* flags */], result: "i32" },
  epoll_ctl: {
    parameters: ["i32", /* epfd */ "i32", /* op */ "i32", /* fd */ "buffer" /* event */],
    result: "i32",
  },
  epoll_wait: {
    parameters: [
      "i32", /* epfd */
      "buffer", /* events */
      "i32", /* maxevents */
      "i32", /* timeout */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The bound functions. */
export type Libc = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

let opened: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

/**
 * The bound functions, opened at the first call and kept for the life of the process.
 *
 * @throws {Error} where there is no glibc, i.e. on other platforms than Linux.
 */
export function libc(): Libc {
  opened ??= Deno.dlopen(LIBC_NAME, SYMBOLS);
  return opened.symbols;
}

/** The calling thread's `errno`, to be read straight after the call that failed. */
export function errno(): number {
  const location = libc().__errno_location();
  return location === null ? 0 : new Deno.UnsafePointerView(location).getInt32();
}

/**
 * Passes a result on, or throws {@linkcode SystemCallError} with the current errno if it is −1.
 *
 * ```ts
 * const fd = checkCall("epoll_create1", libc().epoll_create1(EPOLL_CLOEXEC));
 * ```
 */
export function checkCall(call: string, result: number | bigint, detail?: string): number {
  const value = Number(result);
  if (value === -1) throw new SystemCallError(call, errno(), detail);
  return value;
}

/** Closes a descriptor; a failing `close` leaves nothing to be done, so its result is ignored. */
export function closeFd(fd: number): void {
  libc().close(fd);
}

/**
 * The version of the running glibc, such as `2.34` (`gnu_get_libc_version`).
 *
 * @throws {Error} where there is no glibc
 */
export function glibcVersion(): string {
  const library = Deno.dlopen(LIBC_NAME, {
    gnu_get_libc_version: { parameters: [], result: "pointer" },
  });
  try {
    const text = library.symbols.gnu_get_libc_version();
    return text === null ? "" : new Deno.UnsafePointerView(text).getCString();
  } finally {
    library.close();
  }
}
