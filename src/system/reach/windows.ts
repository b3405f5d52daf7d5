/**
 * A packet on Windows: a connected socket whose receive ends with what ICMP says. Its status lies in the `OVERLAPPED`; the
 * thread's last error may be overwritten by the runtime.
 *
 * @module
 */
import { addressOf, Struct } from "../../ffi/layout.ts";
import { IpConstant } from "../../ffi/windows_ip.ts";
import {
  OVERLAPPED,
  WindowsError,
  type WindowsKernel,
  windowsKernel,
} from "../../ffi/windows_kernel.ts";
import {
  INVALID_SOCKET,
  SocketConstant,
  UnreachableStatus,
  type WindowsSockets,
  windowsSockets,
  WSABUF,
} from "../../ffi/windows_sockets.ts";
import { ANSWER_BYTES_MAX, type UdpFinding, type UdpProbe } from "./finding.ts";

/** `sizeof(sockaddr_in)` and `sizeof(sockaddr_in6)`. */
const ADDRESS_BYTES = 16;
const ADDRESS_BYTES_IPV6 = 28;

const NO_WAY: UdpFinding = { kind: "noWay" };
const NOBODY_LISTENS: UdpFinding = { kind: "nobodyListens", from: undefined };
const UNREACHABLE: UdpFinding = { kind: "unreachable", from: undefined };

/** What the statuses of a receive mean for what was sent before. */
const FINDINGS: ReadonlyMap<number, UdpFinding> = new Map<number, UdpFinding>([
  [UnreachableStatus.STATUS_PORT_UNREACHABLE, NOBODY_LISTENS],
  [UnreachableStatus.STATUS_CONNECTION_REFUSED, NOBODY_LISTENS],
  [UnreachableStatus.STATUS_HOST_UNREACHABLE, UNREACHABLE],
  [UnreachableStatus.STATUS_NETWORK_UNREACHABLE, UNREACHABLE],
  [UnreachableStatus.STATUS_PROTOCOL_UNREACHABLE, UNREACHABLE],
]);

/** The same of the socket's own errors: Wine has them there, and does not end the receive. */
const ERRORS: ReadonlyMap<number, UdpFinding> = new Map<number, UdpFinding>([
  [SocketConstant.WSAECONNREFUSED, NOBODY_LISTENS],
  [SocketConstant.WSAECONNRESET, NOBODY_LISTENS],
  [SocketConstant.WSAEHOSTUNREACH, UNREACHABLE],
  [SocketConstant.WSAENETUNREACH, UNREACHABLE],
]);

/** Receives that Windows may be at, at a time; a probe beyond them is sent, and nothing is heard of it. */
export const RECEIVES_MAX = 64;

/** What of Windows is called here. */
export interface ReachCalls {
  readonly sockets: Pick<
    WindowsSockets,
    "WSASocketW" | "WSARecv" | "connect" | "send" | "getsockopt" | "closesocket"
  >;
  readonly kernel: Pick<WindowsKernel, "CancelIoEx">;
}

/** A receive: what Windows writes to until it is over, which the status in the `OVERLAPPED` says, last of all. */
class Receive {
  readonly answer = new Uint8Array(ANSWER_BYTES_MAX);
  readonly overlapped = new Struct(OVERLAPPED)
    .setNumber("Internal", UnreachableStatus.STATUS_PENDING);
  readonly buffer = new Struct(WSABUF).setNumber("len", ANSWER_BYTES_MAX)
    .setBuffer("buf", this.answer);
  readonly flags = new Uint32Array(1);

  get status(): number {
    return this.overlapped.getNumber("Internal") >>> 0;
  }

  get pointer(): Deno.PointerValue {
    return Deno.UnsafePointer.create(addressOf(this.overlapped.bytes));
  }
}

/** Receives that were begun and are not known to be over: their memory is Windows' as well. */
const receives = new Set<Receive>();

/** How many there are, those that were given up among them. */
export function receivesInFlight(): number {
  for (const receive of receives) {
    if (receive.status !== UnreachableStatus.STATUS_PENDING) receives.delete(receive);
  }
  return receives.size;
}

/** Sends a packet. @param socketAddress a `sockaddr_in` or `sockaddr_in6` @param calls for tests */
export function openUdpProbeWindows(
  socketAddress: Uint8Array<ArrayBuffer>,
  packet: Uint8Array<ArrayBuffer>,
  calls: ReachCalls | undefined = openCalls(),
): UdpProbe {
  const handle = calls === undefined ? INVALID_SOCKET : connected(calls.sockets, socketAddress);
  if (calls === undefined || handle === INVALID_SOCKET) return { take: () => NO_WAY, close() {} };
  return new WindowsProbe(calls, handle, packet);
}

/** Whether this machine has a way there; nothing is sent. @param socketAddress as above */
export function hasWayWindows(socketAddress: Uint8Array<ArrayBuffer>): boolean {
  const calls = openCalls();
  if (calls === undefined) return false;
  const handle = connected(calls.sockets, socketAddress);
  if (handle === INVALID_SOCKET) return false;
  calls.sockets.closesocket(handle);
  return true;
}

function openCalls(): ReachCalls | undefined {
  try {
    return { sockets: windowsSockets(), kernel: windowsKernel() };
  } catch (error) {
    if (error instanceof WindowsError) return undefined;
    throw error;
  }
}

/** A socket that is connected; `INVALID_SOCKET`: there is no way. */
function connected(sockets: ReachCalls["sockets"], socketAddress: Uint8Array<ArrayBuffer>): bigint {
  const family = new DataView(socketAddress.buffer, socketAddress.byteOffset).getUint16(0, true);
  const flags = SocketConstant.WSA_FLAG_OVERLAPPED | SocketConstant.WSA_FLAG_NO_HANDLE_INHERIT;
  const handle = BigInt(
    sockets.WSASocketW(family, SocketConstant.SOCK_DGRAM, 0, null, 0, flags),
  );
  if (handle === INVALID_SOCKET) return handle;
  const length = family === IpConstant.AF_INET6 ? ADDRESS_BYTES_IPV6 : ADDRESS_BYTES;
  if (sockets.connect(handle, socketAddress, length) === 0) return handle;
  sockets.closesocket(handle);
  return INVALID_SOCKET;
}

class WindowsProbe implements UdpProbe {
  readonly #calls: ReachCalls;
  readonly #handle: bigint;
  /** Undefined: nothing can be heard of it. */
  #receive: Receive | undefined;
  #finding: UdpFinding | undefined;
  #isOpen = true;

  constructor(calls: ReachCalls, handle: bigint, packet: Uint8Array<ArrayBuffer>) {
    this.#calls = calls;
    this.#handle = handle;
    if (calls.sockets.send(handle, packet, packet.length, 0) < 0) {
      this.#finding = { kind: "prohibited", from: undefined };
    } else if (receivesInFlight() < RECEIVES_MAX) this.#receive = this.#begin();
  }

  take(): UdpFinding | undefined {
    const receive = this.#receive;
    if (this.#finding !== undefined || !this.#isOpen) return this.#finding;
    const { status = UnreachableStatus.STATUS_PENDING } = receive ?? {};
    if (receive === undefined || status === UnreachableStatus.STATUS_PENDING) {
      return this.#finding = ERRORS.get(this.#socketError());
    }
    if (status === UnreachableStatus.STATUS_SUCCESS) {
      const length = receive.overlapped.getNumber("InternalHigh");
      return this.#finding = { kind: "answered", bytes: receive.answer.slice(0, length) };
    }
    return this.#finding = FINDINGS.get(status);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const receive = this.#receive;
    if (receive?.status === UnreachableStatus.STATUS_PENDING) {
      // Windows ends it soon, and writes that down: the memory is kept until it has.
      this.#calls.kernel.CancelIoEx(this.#handle, receive.pointer);
    }
    this.#calls.sockets.closesocket(this.#handle);
    receivesInFlight();
  }

  #socketError(): number {
    const error = new Int32Array(1);
    const { SOL_SOCKET, SO_ERROR } = SocketConstant;
    const { getsockopt } = this.#calls.sockets;
    getsockopt(this.#handle, SOL_SOCKET, SO_ERROR, error, new Int32Array([4]));
    return error[0];
  }

  /** One that fails at once is not told from one that goes on: its memory is kept, and counts. */
  #begin(): Receive {
    const receive = new Receive();
    receives.add(receive);
    this.#calls.sockets.WSARecv(
      ...[this.#handle, receive.buffer.bytes, 1, null, receive.flags] as const,
      ...[receive.pointer, null] as const,
    );
    return receive;
  }
}
