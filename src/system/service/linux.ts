/**
 * Tells the service manager how the service fares: the protocol of sd_notify(3), a datagram of
 * `NAME=VALUE` lines to the socket that `NOTIFY_SOCKET` names.
 *
 * @module
 */

import { checkCall, closeFd, libc } from "../../ffi/libc.ts";
import {
  AddressFamily,
  libcNet,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from "../../ffi/libc_net.ts";

/** What the service manager hands over. */
export interface ServiceEnvironment {
  /** The value of an environment variable. */
  get(name: string): string | undefined;
  readonly pid: number;
}

/** `sun_path` of `struct sockaddr_un` (sys/un.h). */
const SOCKET_PATH_BYTES_MAX = 108;
/** `CLOCK_MONOTONIC` (linux/time.h). */
const CLOCK_MONOTONIC = 1;
/** Messages that wait while the manager does not read; the oldest gives way. */
const WAITING_MAX = 8;

/** See the module. Without a service manager everything is done and nothing is sent. */
export class ServiceNotifier {
  /** How often the manager wants to hear `WATCHDOG=1`, ms; Infinity: it does not. */
  readonly watchdogMs: number;
  readonly #waiting: Uint8Array<ArrayBuffer>[] = [];
  readonly #fd: number;

  private constructor(fd: number, watchdogMs: number) {
    this.#fd = fd;
    this.watchdogMs = watchdogMs;
  }

  /**
   * Connects to the manager's socket.
   *
   * @throws {SystemCallError} there is a manager, but its socket cannot be reached
   */
  static open(environment: ServiceEnvironment): ServiceNotifier {
    const name = environment.get("NOTIFY_SOCKET");
    if (!name) return new ServiceNotifier(-1, Infinity);
    const address = unixAddress(name);
    const type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const fd = checkCall("socket", libcNet().socket(AddressFamily.unix, type, 0));
    try {
      checkCall("connect", libcNet().connect(fd, address, address.length), name);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
    return new ServiceNotifier(fd, watchdogInterval(environment));
  }

  /** Whether there is a manager. */
  get enabled(): boolean {
    return this.#fd >= 0;
  }

  /** Sends lines; while the manager does not read, they wait for the next call or `flush`. */
  send(...lines: readonly string[]): void {
    if (this.#fd < 0) return;
    if (this.#waiting.length >= WAITING_MAX) this.#waiting.shift();
    this.#waiting.push(new TextEncoder().encode(lines.join("\n")));
    this.flush();
  }

  /** Sends what waits. */
  flush(): void {
    while (this.#waiting.length > 0) {
      const [bytes] = this.#waiting;
      if (Number(libc().write(this.#fd, bytes, BigInt(bytes.length))) < 0) return;
      this.#waiting.shift();
    }
  }

  close(): void {
    if (this.#fd >= 0) closeFd(this.#fd);
  }
}

/** The system's monotonic clock in µs, which a `RELOADING=1` must tell. */
export function monotonicUs(): bigint {
  const time = new BigInt64Array(2);
  checkCall("clock_gettime", libc().clock_gettime(CLOCK_MONOTONIC, time));
  return time[0] * 1_000_000n + time[1] / 1_000n;
}

/**
 * A `struct sockaddr_un` of just the needed length: the bytes behind the name would count in an
 * abstract one, which begins with `@` (unix(7)).
 *
 * @throws {RangeError} the name is too long
 */
export function unixAddress(name: string): Uint8Array<ArrayBuffer> {
  const path = new TextEncoder().encode(name);
  if (path.length >= SOCKET_PATH_BYTES_MAX) throw new RangeError(`too long: ${name}`);
  const isAbstract = name.startsWith("@");
  const address = new Uint8Array(2 + path.length + (isAbstract ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AddressFamily.unix, true);
  address.set(path, 2);
  if (isAbstract) address[2] = 0;
  return address;
}

/** sd_watchdog_enabled(3): the time is for the process that it is meant for. */
function watchdogInterval({ get, pid }: ServiceEnvironment): number {
  const us = Number(get("WATCHDOG_USEC"));
  const meant = get("WATCHDOG_PID");
  return us > 0 && (meant === undefined || Number(meant) === pid) ? us / 1_000 : Infinity;
}
