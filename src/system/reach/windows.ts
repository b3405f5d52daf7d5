/**
 * A packet on Windows: a connected socket whose receive ends with what ICMP says. Its status lies in the `OVERLAPPED`; the
 * thread's last error may be overwritten by the runtime.
 *
 * @module
 */
import { addressOf, Struct } from "../../ffi/layout.ts";
import { IpConstant } from "../../ffi/windows_ip.ts";
import { OVERLAPPED, WindowsError, windowsKernel } from "../../ffi/windows_kernel.ts";
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

/** What Windows may still write to when a receive was given up: never given back. */
const retired: unknown[] = [];

/** Sends a packet. @param socketAddress a `sockaddr_in` or `sockaddr_in6` */
export function openUdpProbeWindows(
  socketAddress: Uint8Array<ArrayBuffer>,
  packet: Uint8Array<ArrayBuffer>,
): UdpProbe {
  const sockets = openSockets();
  const handle = sockets === undefined ? INVALID_SOCKET : connected(sockets, socketAddress);
  if (sockets === undefined || handle === INVALID_SOCKET) return { take: () => NO_WAY, close() {} };
  return new WindowsProbe(sockets, handle, packet);
}

/** Whether this machine has a way there; nothing is sent. @param socketAddress as above */
export function hasWayWindows(socketAddress: Uint8Array<ArrayBuffer>): boolean {
  const sockets = openSockets();
  if (sockets === undefined) return false;
  const handle = connected(sockets, socketAddress);
  if (handle === INVALID_SOCKET) return false;
  sockets.closesocket(handle);
  return true;
}

function openSockets(): WindowsSockets | undefined {
  try {
    return windowsSockets();
  } catch (error) {
    if (error instanceof WindowsError) return undefined;
    throw error;
  }
}

/** A socket that is connected; `INVALID_SOCKET`: there is no way. */
function connected(sockets: WindowsSockets, socketAddress: Uint8Array<ArrayBuffer>): bigint {
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
  readonly #sockets: WindowsSockets;
  readonly #handle: bigint;
  readonly #answer = new Uint8Array(ANSWER_BYTES_MAX);
  readonly #overlapped = new Struct(OVERLAPPED);
  readonly #buffer = new Struct(WSABUF);
  readonly #flags = new Uint32Array(1);
  #finding: UdpFinding | undefined;
  #isOpen = true;
  #isOver = false;

  constructor(sockets: WindowsSockets, handle: bigint, packet: Uint8Array<ArrayBuffer>) {
    this.#sockets = sockets;
    this.#handle = handle;
    if (sockets.send(handle, packet, packet.length, 0) < 0) {
      this.#finding = { kind: "prohibited", from: undefined };
      return;
    }
    this.#receive();
  }

  take(): UdpFinding | undefined {
    if (this.#finding !== undefined || !this.#isOpen) return this.#finding;
    const status = this.#overlapped.getNumber("Internal") >>> 0;
    if (status === UnreachableStatus.STATUS_PENDING) {
      return this.#finding = ERRORS.get(this.#socketError());
    }
    this.#isOver = true;
    if (status === UnreachableStatus.STATUS_SUCCESS) {
      const length = this.#overlapped.getNumber("InternalHigh");
      return this.#finding = { kind: "answered", bytes: this.#answer.slice(0, length) };
    }
    return this.#finding = FINDINGS.get(status);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (!this.#isOver) {
      windowsKernel().CancelIoEx(
        this.#handle,
        Deno.UnsafePointer.create(addressOf(this.#overlapped.bytes)),
      );
      retired.push(this.#overlapped, this.#buffer, this.#answer, this.#flags);
    }
    this.#sockets.closesocket(this.#handle);
  }

  #socketError(): number {
    const error = new Int32Array(1);
    const { SOL_SOCKET, SO_ERROR } = SocketConstant;
    this.#sockets.getsockopt(this.#handle, SOL_SOCKET, SO_ERROR, error, new Int32Array([4]));
    return error[0];
  }

  #receive(): void {
    this.#buffer.setNumber("len", this.#answer.length).setBuffer("buf", this.#answer);
    this.#overlapped.setNumber("Internal", UnreachableStatus.STATUS_PENDING);
    this.#sockets.WSARecv(
      ...[this.#handle, this.#buffer.bytes, 1, null, this.#flags] as const,
      ...[Deno.UnsafePointer.create(addressOf(this.#overlapped.bytes)), null] as const,
    );
  }
}
