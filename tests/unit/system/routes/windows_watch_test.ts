/** Notices of changes on Windows, with functions of the test's in the place of Windows'. */
import { assertEquals } from "@std/assert";
import { OVERLAPPED } from "../../../../src/ffi/windows_kernel.ts";
import { INVALID_SOCKET, SocketConstant } from "../../../../src/ffi/windows_sockets.ts";
import {
  type NoticeCalls,
  WindowsNetworkNotices,
} from "../../../../src/system/routes/windows_watch.ts";

const [PENDING, INVALID_PARAMETER] = [997, 87];
const STATUS_NETWORK_UNREACHABLE = 0xc000023c;
const [WAIT_OBJECT_0, WAIT_TIMEOUT] = [0, 258];
const [ADDRESSES, ROUTES] = [
  SocketConstant.SIO_ADDRESS_LIST_CHANGE,
  SocketConstant.SIO_ROUTING_INTERFACE_CHANGE,
];
const SOCKET = 0x70n;
/** `sockaddr_in6` of `::`, port 0: every destination. */
const ANYWHERE = `1700${"00".repeat(26)}`;

/** As much of Windows as tells of changes; what is asked of it is written down. */
class FakeWindows {
  readonly done: string[] = [];
  readonly signalled = new Set<bigint>();
  readonly events = new Set<bigint>();
  /** Operations that go on, by their names. */
  readonly pending = new Map<string, { event: bigint; overlapped: Deno.PointerValue }>();
  notifyCode = PENDING;

  constructor(readonly socket: bigint | "no Winsock" = SOCKET) {}

  get calls(): NoticeCalls {
    const { socket } = this;
    return {
      events: {
        CreateEventW: () => {
          const event = BigInt(0x100 + this.events.size);
          this.events.add(event);
          return event;
        },
        WaitForSingleObject: (event) =>
          this.signalled.delete(BigInt(event)) ? WAIT_OBJECT_0 : WAIT_TIMEOUT,
        CloseHandle: (event) => {
          this.done.push("CloseHandle");
          return Number(this.events.delete(BigInt(event)));
        },
      },
      ip: {
        NotifyAddrChange: (_handle, overlapped) => this.#begin("addresses of IPv4", overlapped),
        NotifyRouteChange: (_handle, overlapped) => this.#begin("routes of IPv4", overlapped),
        CancelIPChangeNotify: (overlapped) => this.#cancel("CancelIPChangeNotify", overlapped),
      },
      sockets: socket === "no Winsock" ? undefined : {
        WSASocketW: (...options) => {
          this.done.push(`WSASocketW ${options.join()}`);
          return socket;
        },
        WSAIoctl: (handle, code, input, inputBytes, output, outputBytes, _returned, overlapped) => {
          assertEquals([BigInt(handle), output, outputBytes], [socket, null, 0]);
          const bytes = new Uint8Array(inputBytes);
          if (input !== null) Deno.UnsafePointerView.copyInto(input, bytes);
          this.#begin(`${code} ${bytes.toHex()}`.trim(), overlapped);
          return -1; // it goes on
        },
        closesocket: (handle) => {
          this.done.push(`closesocket ${handle}`);
          return 0;
        },
      },
      kernel: {
        CancelIoEx: (handle, overlapped) => this.#cancel(`CancelIoEx ${handle}`, overlapped),
      },
    };
  }

  #begin(name: string, overlapped: Deno.PointerValue): number {
    this.done.push(`begin ${name}`);
    if (this.notifyCode === PENDING) {
      this.pending.set(name, { event: eventOf(overlapped), overlapped });
    }
    return this.notifyCode;
  }

  #cancel(call: string, overlapped: Deno.PointerValue): number {
    const event = eventOf(overlapped);
    const [name] = [...this.pending].find(([, other]) => other.event === event)!;
    this.done.push(`${call}: ${name}`);
    return Number(this.pending.delete(name));
  }

  /** Something has changed: an operation is over, and tells no more. */
  change(name: string, status = 0): void {
    const { event, overlapped } = this.pending.get(name)!;
    const bytes = Deno.UnsafePointerView.getArrayBuffer(overlapped!, OVERLAPPED.sizeBytes);
    new DataView(bytes).setBigUint64(OVERLAPPED.fields.Internal.offset, BigInt(status), true);
    this.signalled.add(event);
    this.pending.delete(name);
  }

  take(): string[] {
    return this.done.splice(0);
  }
}

function eventOf(overlapped: Deno.PointerValue): bigint {
  return new Deno.UnsafePointerView(overlapped!).getBigUint64(OVERLAPPED.fields.hEvent.offset);
}

const ALL = ["addresses of IPv4", "routes of IPv4", `${ADDRESSES}`, `${ROUTES} ${ANYWHERE}`];

Deno.test("Windows' notices: of addresses and routes, of IPv4 and IPv6", () => {
  const windows = new FakeWindows();
  const notices = new WindowsNetworkNotices(windows.calls);
  // AF_INET6, SOCK_DGRAM, overlapped, not handed on to other programs.
  assertEquals(windows.take(), [
    "WSASocketW 23,2,0,,0,129",
    ...ALL.map((name) => `begin ${name}`),
  ]);
  assertEquals(new Set([...windows.pending.values()].map(({ event }) => event)).size, 4);
  assertEquals(notices.take(), false);
});

Deno.test("Windows' notices: each is told once, and asked for again at once", () => {
  const windows = new FakeWindows();
  const notices = new WindowsNetworkNotices(windows.calls);
  for (const name of ALL) {
    windows.take();
    windows.change(name);
    assertEquals([notices.take(), notices.take()], [true, false], name);
    assertEquals(windows.take(), [`begin ${name}`]);
    windows.change(name);
    assertEquals(notices.take(), true, name);
  }
  ALL.forEach((name) => windows.change(name));
  assertEquals([notices.take(), notices.take()], [true, false]);
  assertEquals([...windows.pending.keys()], ALL);
});

Deno.test("Windows' notices: their end leaves no operation, no event and no socket", () => {
  const windows = new FakeWindows();
  const notices = new WindowsNetworkNotices(windows.calls);
  windows.take();
  notices.close();
  assertEquals(windows.take(), [
    ...ALL.flatMap((name, index) => [
      `${index < 2 ? "CancelIPChangeNotify" : `CancelIoEx ${SOCKET}`}: ${name}`,
      "CloseHandle",
    ]),
    `closesocket ${SOCKET}`,
  ]);
  assertEquals([windows.events.size, windows.pending.size], [0, 0]);
  assertEquals(notices.take(), false);
});

Deno.test("Windows' notices: without IPv6, or without Winsock, those of IPv4 are left", () => {
  for (const socket of [INVALID_SOCKET, "no Winsock"] as const) {
    const windows = new FakeWindows(socket);
    const notices = new WindowsNetworkNotices(windows.calls);
    assertEquals([...windows.pending.keys()], ALL.slice(0, 2));
    windows.change(ALL[0]);
    assertEquals(notices.take(), true);
    windows.take();
    notices.close();
    assertEquals(windows.take().filter((line) => /CancelIoEx|closesocket/.test(line)), []);
  }
});

Deno.test("Windows' notices: one that cannot be had tells nothing, and is asked for again", () => {
  const windows = new FakeWindows("no Winsock");
  windows.notifyCode = INVALID_PARAMETER;
  const notices = new WindowsNetworkNotices(windows.calls);
  windows.events.forEach((event) => windows.signalled.add(event));
  assertEquals(notices.take(), false);
  windows.take();
  windows.notifyCode = PENDING;
  notices.renew();
  notices.renew();
  assertEquals(windows.take(), ALL.slice(0, 2).map((name) => `begin ${name}`));
  windows.change(ALL[1]);
  assertEquals(notices.take(), true);
});

Deno.test("Windows' notices: one that fails is not asked for again at once", () => {
  const windows = new FakeWindows();
  const notices = new WindowsNetworkNotices(windows.calls);
  windows.change(ALL[3], STATUS_NETWORK_UNREACHABLE);
  windows.take();
  assertEquals([notices.take(), windows.take()], [false, []]);
  notices.renew();
  assertEquals(windows.take(), [`begin ${ALL[3]}`]);
  windows.change(ALL[3]);
  assertEquals(notices.take(), true);
});

Deno.test("Windows' notices: nothing is given up that could not be had", () => {
  const windows = new FakeWindows("no Winsock");
  windows.notifyCode = INVALID_PARAMETER;
  const notices = new WindowsNetworkNotices(windows.calls);
  windows.take();
  notices.close();
  assertEquals(windows.take(), ["CloseHandle", "CloseHandle"]);
});
