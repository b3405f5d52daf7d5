/**
 * Notices that Windows' addresses or routes have changed. The notices come as events that are looked at
 * now and then: Windows' newer functions call back on a thread of their own, on which none of this
 * program's code may run.
 *
 * - IPv4: `NotifyAddrChange` and `NotifyRouteChange`, which know of nothing else.
 * - IPv6: a socket's `SIO_ADDRESS_LIST_CHANGE` and `SIO_ROUTING_INTERFACE_CHANGE`. The second is asked
 *   for every destination: the way to the relay itself is held by a host route, and does not change
 *   when a better one comes.
 *
 * @module
 */

import { addressOf, Struct } from "../../ffi/layout.ts";
import { EventConstant, windowsEvents } from "../../ffi/windows_events.ts";
import { IpConstant, type WindowsIp, windowsIp } from "../../ffi/windows_ip.ts";
import {
  ntFailed,
  OVERLAPPED,
  WindowsError,
  type WindowsKernel,
  windowsKernel,
} from "../../ffi/windows_kernel.ts";
import {
  INVALID_SOCKET,
  SocketConstant,
  type WindowsSockets,
  windowsSockets,
} from "../../ffi/windows_sockets.ts";
import { socketAddress } from "../../ffi/windows_socket_address.ts";

/** What of Windows is called here. */
export interface NoticeCalls {
  readonly events: Pick<
    ReturnType<typeof windowsEvents>,
    "CreateEventW" | "WaitForSingleObject" | "CloseHandle"
  >;
  readonly ip: Pick<
    WindowsIp,
    "NotifyAddrChange" | "NotifyRouteChange" | "CancelIPChangeNotify"
  >;
  /** Undefined: Winsock cannot be started. */
  readonly sockets: Pick<WindowsSockets, "WSASocketW" | "WSAIoctl" | "closesocket"> | undefined;
  readonly kernel: Pick<WindowsKernel, "CancelIoEx">;
}

/** The unspecified address stands for every destination. */
const ANYWHERE6 = new Uint8Array(16);

/** An operation that is over when something has changed. */
interface Operation {
  /** Begins it. False: it cannot be had. */
  begin(overlapped: Deno.PointerValue): boolean;
  cancel(overlapped: Deno.PointerValue): void;
  /** Whether its end may be a failure, which its status tells. */
  readonly mayFail: boolean;
}

/** What Windows may still write to when its operation was given up: never given back. */
const retired: Uint8Array[] = [];

/** One kind of notice: an event, and the operation that sets it. */
class Notice {
  readonly #events: NoticeCalls["events"];
  readonly #operation: Operation;
  readonly #event: bigint;
  readonly #overlapped = new Struct(OVERLAPPED);
  readonly #pointer: Deno.PointerValue;
  #waits = false;

  constructor(events: NoticeCalls["events"], operation: Operation) {
    this.#events = events;
    this.#operation = operation;
    // It resets itself when it was seen.
    this.#event = BigInt(events.CreateEventW(null, 0, 0, null));
    this.#overlapped.setPointer("hEvent", Deno.UnsafePointer.create(this.#event));
    this.#pointer = Deno.UnsafePointer.create(addressOf(this.#overlapped.bytes));
    this.renew();
  }

  /** Asks for it again where it could not be had. */
  renew(): void {
    if (!this.#waits) this.#waits = this.#operation.begin(this.#pointer);
  }

  /** Whether something has changed since the last time; a notice that cannot be had tells nothing. */
  take(): boolean {
    if (!this.#waits) return false;
    if (this.#events.WaitForSingleObject(this.#event, 0) !== EventConstant.WAIT_OBJECT_0) {
      return false;
    }
    this.#waits = false;
    const { mayFail } = this.#operation;
    // One that fails would do so again at once: it is given time.
    if (mayFail && ntFailed(this.#overlapped.getNumber("Internal"))) return false;
    this.renew();
    return true;
  }

  close(): void {
    if (this.#waits) this.#operation.cancel(this.#pointer);
    this.#waits = false;
    retired.push(this.#overlapped.bytes);
    this.#events.CloseHandle(this.#event);
  }
}

/** `NotifyAddrChange` or `NotifyRouteChange`. */
function ipOperation(
  ip: NoticeCalls["ip"],
  call: "NotifyAddrChange" | "NotifyRouteChange",
): Operation {
  const handle = new BigUint64Array(1);
  return {
    begin: (overlapped) => {
      const code = ip[call](handle, overlapped);
      return code === IpConstant.NO_ERROR || code === IpConstant.ERROR_IO_PENDING;
    },
    cancel: (overlapped) => ip.CancelIPChangeNotify(overlapped),
    mayFail: false,
  };
}

/** A socket of IPv6 that is for nothing but its notices. */
class NoticeSocket {
  readonly #calls: NoticeCalls;
  readonly #handle: bigint;

  constructor(calls: NoticeCalls) {
    this.#calls = calls;
    const flags = SocketConstant.WSA_FLAG_OVERLAPPED | SocketConstant.WSA_FLAG_NO_HANDLE_INHERIT;
    const open = calls.sockets?.WSASocketW;
    this.#handle = open === undefined
      ? INVALID_SOCKET
      : BigInt(open(IpConstant.AF_INET6, SocketConstant.SOCK_DGRAM, 0, null, 0, flags));
  }

  /** The notices that it has; none if there is no such socket. */
  operations(): Operation[] {
    if (this.#handle === INVALID_SOCKET) return [];
    return [
      this.#operation(SocketConstant.SIO_ADDRESS_LIST_CHANGE, undefined),
      this.#operation(SocketConstant.SIO_ROUTING_INTERFACE_CHANGE, socketAddress(ANYWHERE6)),
    ];
  }

  close(): void {
    if (this.#handle !== INVALID_SOCKET) this.#calls.sockets?.closesocket(this.#handle);
  }

  #operation(code: number, input: Uint8Array<ArrayBuffer> | undefined): Operation {
    const { sockets, kernel } = this.#calls;
    const handle = this.#handle;
    const returned = new Uint32Array(1);
    return {
      begin: (overlapped) => {
        const inputAt = input === undefined ? null : Deno.UnsafePointer.of(input);
        sockets?.WSAIoctl(
          ...[handle, code, inputAt, input?.length ?? 0, null, 0] as const,
          ...[returned, overlapped, null] as const,
        );
        // Whether it goes on or has failed says only the thread's last error, which the runtime may have
        // overwritten. One that has failed never sets its event: that is as if nothing ever changed.
        return true;
      },
      cancel: (overlapped) => kernel.CancelIoEx(handle, overlapped),
      mayFail: true,
    };
  }
}

/** See the module. */
export class WindowsNetworkNotices {
  readonly #socket: NoticeSocket;
  readonly #notices: readonly Notice[];

  /** Begins; what cannot be had is left out. */
  constructor(calls: NoticeCalls = openCalls()) {
    this.#socket = new NoticeSocket(calls);
    const operations = [
      ipOperation(calls.ip, "NotifyAddrChange"),
      ipOperation(calls.ip, "NotifyRouteChange"),
      ...this.#socket.operations(),
    ];
    this.#notices = operations.map((operation) => new Notice(calls.events, operation));
  }

  /** Asks again for those that could not be had: to be called now and then. */
  renew(): void {
    for (const notice of this.#notices) notice.renew();
  }

  /** Whether addresses or routes have changed since the last time. */
  take(): boolean {
    let changed = false;
    for (const notice of this.#notices) if (notice.take()) changed = true;
    return changed;
  }

  /** Ends the notices. */
  close(): void {
    for (const notice of this.#notices) notice.close();
    this.#socket.close();
  }
}

function openCalls(): NoticeCalls {
  return {
    events: windowsEvents(),
    ip: windowsIp(),
    sockets: openSockets(),
    kernel: windowsKernel(),
  };
}

function openSockets(): WindowsSockets | undefined {
  try {
    return windowsSockets();
  } catch (error) {
    if (error instanceof WindowsError) return undefined;
    throw error;
  }
}
