/**
 * The reactor on Linux: one epoll. Its turns are those of `reactor_loop.ts`.
 *
 * @module
 */

import {
  checkCall,
  closeFd,
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EPOLL_CLOEXEC,
  EPOLL_EVENT,
  EpollEvent,
  EpollOperation,
  Errno,
  errno,
  EVENTFD_BYTES,
  libc,
  SystemCallError,
} from "../ffi/libc.ts";
import type { Libc } from "../ffi/libc.ts";
import { Struct } from "../ffi/layout.ts";
import type { CompletionSource, Source, SourceHandler, TerminationSignal } from "./reactor.ts";
import { ReactorLoop } from "./reactor_loop.ts";

/** Events taken by one wait. */
const EVENTS_MAX = 64;
/** Watched descriptors. */
const SOURCES_MAX = 4096;

class EpollSource implements Source {
  readonly fd: number;
  readonly handler: SourceHandler;
  readonly index: number;
  #reactor: EpollReactor | undefined;

  constructor(reactor: EpollReactor, fd: number, index: number, handler: SourceHandler) {
    this.#reactor = reactor;
    this.fd = fd;
    this.index = index;
    this.handler = handler;
  }

  watchWritable(on: boolean): void {
    this.#reactor?.control(EpollOperation.modify, this, on);
  }

  remove(): void {
    this.#reactor?.removeSource(this);
    this.#reactor = undefined;
  }
}

/** See {@linkcode Reactor}. */
export class EpollReactor extends ReactorLoop {
  override readonly queueFd: number;
  /** An eventfd: eight bytes written to it by another thread wake this one. */
  readonly wakeFd: number;
  readonly #libc: Libc = libc();
  /** Source i is registered with event data i + 1, its generation in the upper half being 0. */
  readonly #sources: (EpollSource | undefined)[] = [];
  readonly #freeIndices: number[] = [];
  /** Indices that become free at the end of the batch, so that no stale event meets a new source. */
  readonly #retiredIndices: number[] = [];
  readonly #events: Uint8Array<ArrayBuffer>;
  readonly #eventsView: DataView;
  readonly #eventPointers: Deno.PointerObject[] = [];
  readonly #controlEvent = new Struct(EPOLL_EVENT);

  constructor() {
    super();
    this.queueFd = checkCall("epoll_create1", this.#libc.epoll_create1(EPOLL_CLOEXEC));
    this.#events = new Uint8Array(EPOLL_EVENT.sizeBytes * EVENTS_MAX);
    this.#eventsView = new DataView(this.#events.buffer);
    for (let i = 0; i < EVENTS_MAX; i++) {
      const pointer = Deno.UnsafePointer.of(this.#events.subarray(i * EPOLL_EVENT.sizeBytes));
      this.#eventPointers.push(pointer as Deno.PointerObject);
    }
    this.wakeFd = checkCall("eventfd", this.#libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const counter = new Uint8Array(EVENTFD_BYTES);
    this.addFd(this.wakeFd, {
      readable: () => {
        this.#libc.read(this.wakeFd, counter, BigInt(EVENTFD_BYTES));
        this.wake();
        return false;
      },
    });
  }

  override addFd(fd: number, handler: SourceHandler): Source {
    const index = this.#freeIndices.pop() ?? this.#sources.length;
    if (index >= SOURCES_MAX) throw new RangeError("too many watched descriptors");
    const source = new EpollSource(this, fd, index, handler);
    this.control(EpollOperation.add, source, false);
    this.#sources[index] = source;
    return source;
  }

  override addHandle(): CompletionSource {
    throw new Deno.errors.NotSupported("an epoll takes descriptors, not handles");
  }

  /** Adds or modifies the registration of a source. Internal to the reactor. */
  control(operation: number, source: EpollSource, writable: boolean): void {
    const interest = (source.handler.readable === undefined ? 0 : EpollEvent.in) |
      (writable ? EpollEvent.out : 0);
    this.#controlEvent.setNumber("events", interest).setNumber("data", source.index + 1);
    checkCall(
      "epoll_ctl",
      this.#libc.epoll_ctl(this.queueFd, operation, source.fd, this.#controlEvent.bytes),
    );
  }

  /** Takes a source out. Internal to the reactor. */
  removeSource(source: EpollSource): void {
    // The descriptor may be closed already, and has left the epoll by that.
    this.#libc.epoll_ctl(
      this.queueFd,
      EpollOperation.delete,
      source.fd,
      this.#controlEvent.bytes,
    );
    this.#sources[source.index] = undefined;
    this.#retiredIndices.push(source.index);
  }

  protected override systemSignals(signal: TerminationSignal): readonly Deno.Signal[] {
    return [signal];
  }

  protected override release(): void {
    closeFd(this.wakeFd);
    closeFd(this.queueFd);
  }

  protected override wait(timeoutMs: number): number {
    const count = this.#libc.epoll_wait(this.queueFd, this.#events, EVENTS_MAX, timeoutMs);
    if (count >= 0) return count;
    const code = errno();
    if (code !== Errno.EINTR) throw new SystemCallError("epoll_wait", code);
    return 0;
  }

  protected override dispatch(count: number, nowMs: number): void {
    for (let i = 0; i < count; i++) {
      const offset = i * EPOLL_EVENT.sizeBytes;
      const dataOffset = offset + EPOLL_EVENT.fields.data.offset;
      if (this.#eventsView.getUint32(dataOffset + 4, true) !== 0) {
        this.poller?.complete(
          this.#eventPointers[i],
          this.#eventsView.getBigUint64(dataOffset, true),
        );
        continue;
      }
      const index = this.#eventsView.getUint32(dataOffset, true) - 1;
      const source = this.#sources[index];
      if (source === undefined) continue;
      const events = this.#eventsView.getUint32(offset, true);
      if ((events & EpollEvent.out) !== 0) source.handler.writable?.(nowMs);
      if ((events & ~EpollEvent.out) !== 0 && this.#sources[index] === source) {
        if (source.handler.readable?.(nowMs)) this.wake();
      }
    }
    while (this.#retiredIndices.length > 0) {
      this.#freeIndices.push(this.#retiredIndices.pop() as number);
    }
  }
}
