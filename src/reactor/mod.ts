/**
 * The event loop of a process: one thread that waits in one place for QUIC, packet sockets, TAP
 * devices, timers, wake-ups and signals.
 *
 * ```ts
 * const reactor = createReactor();
 * reactor.onSignal(["SIGINT", "SIGTERM"], () => reactor.stop());
 * reactor.addFd(fd, { readable: (nowMs) => link.receive(nowMs) });
 * reactor.addTask({ work: (nowMs) => core.pump(nowMs), nextDeadlineMs: () => core.deadlineMs });
 * await reactor.run();
 * reactor.close();
 * ```
 *
 * @module
 */

import { EpollReactor } from "./epoll_reactor.ts";
import { IocpReactor } from "./iocp_reactor.ts";
import type { Reactor } from "./reactor.ts";

export type {
  CompletionHandler,
  CompletionSource,
  Poller,
  Reactor,
  ReactorCounters,
  Source,
  SourceHandler,
  Task,
  TerminationSignal,
} from "./reactor.ts";

/**
 * Makes this system's reactor.
 *
 * @throws {Deno.errors.NotSupported} on other systems than Linux and Windows
 * @throws {SystemCallError} if the event queue cannot be made
 */
export function createReactor(): Reactor {
  if (Deno.build.os === "linux") return new EpollReactor();
  if (Deno.build.os === "windows") return new IocpReactor();
  throw new Deno.errors.NotSupported(`unsupported platform: ${Deno.build.os}`);
}
