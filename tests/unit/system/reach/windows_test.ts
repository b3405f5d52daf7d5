/** Packets that are sent to see what becomes of them on Windows, with functions of the test's in the place of Windows'. */
import { assertEquals } from "@std/assert";
import { OVERLAPPED } from "../../../../src/ffi/windows_kernel.ts";
import { UnreachableStatus } from "../../../../src/ffi/windows_sockets.ts";
import type { UdpProbe } from "../../../../src/system/reach/mod.ts";
import {
  openUdpProbeWindows,
  type ReachCalls,
  RECEIVES_MAX,
  receivesInFlight,
} from "../../../../src/system/reach/windows.ts";

/** `sockaddr_in` of 192.0.2.1, port 443. */
const ADDRESS = Uint8Array.fromHex("020001bbc00002010000000000000000");
const PACKET = Uint8Array.of(1, 2, 3);
const STATUS_CANCELLED = 0xc0000120;

/** As much of Windows as has sockets: what is received there waits until the test ends it. */
class FakeWindows {
  readonly open = new Set<bigint>();
  readonly waiting = new Map<bigint, Deno.PointerValue>();
  readonly cancelled: bigint[] = [];
  #next = 0x100n;

  get calls(): ReachCalls {
    return {
      sockets: {
        WSASocketW: () => {
          this.open.add(this.#next);
          return this.#next++;
        },
        WSARecv: (handle, _buffers, _count, _received, _flags, overlapped) => {
          this.waiting.set(BigInt(handle), overlapped);
          return -1;
        },
        connect: () => 0,
        send: (_handle, _bytes, length) => length,
        getsockopt: () => 0,
        closesocket: (handle) => Number(!this.open.delete(BigInt(handle))),
      },
      kernel: {
        CancelIoEx: (handle) => {
          this.cancelled.push(BigInt(handle));
          return 1;
        },
      },
    };
  }

  probe(): UdpProbe {
    return openUdpProbeWindows(ADDRESS, PACKET, this.calls);
  }

  /** Ends receives, as Windows does: whenever it likes. */
  end(status: number, count = Infinity): void {
    for (const [handle, overlapped] of [...this.waiting].slice(0, count)) {
      if (overlapped === null) throw new Error("a receive without an OVERLAPPED");
      const { sizeBytes, fields } = OVERLAPPED;
      const memory = Deno.UnsafePointerView.getArrayBuffer(overlapped, sizeBytes);
      new DataView(memory).setBigUint64(fields.Internal.offset, BigInt(status), true);
      this.waiting.delete(handle);
    }
  }
}

Deno.test("a silent probe's memory is kept as long as Windows may write there, and no longer", () => {
  const windows = new FakeWindows();
  const probes = Array.from({ length: 10 }, () => windows.probe());
  for (const probe of probes) assertEquals(probe.take(), undefined);
  for (const probe of probes) probe.close();
  assertEquals([windows.open.size, windows.cancelled.length], [0, 10]);
  assertEquals(receivesInFlight(), 10);
  windows.end(STATUS_CANCELLED, 4);
  assertEquals(receivesInFlight(), 6);
  windows.end(STATUS_CANCELLED);
  // The next one is begun, and over: nothing is left of all of them.
  const last = windows.probe();
  assertEquals(receivesInFlight(), 1);
  windows.end(UnreachableStatus.STATUS_PORT_UNREACHABLE);
  assertEquals(last.take()?.kind, "nobodyListens");
  last.close();
  assertEquals(receivesInFlight(), 0);
  assertEquals(windows.cancelled.length, 10);
});

Deno.test("a receive that Windows never ends does not make others pile up", () => {
  const windows = new FakeWindows();
  for (let i = 0; i < RECEIVES_MAX + 20; i++) windows.probe().close();
  assertEquals([receivesInFlight(), windows.open.size], [RECEIVES_MAX, 0]);
  // The packet is sent all the same; nothing is heard of it.
  const silent = windows.probe();
  assertEquals(silent.take(), undefined);
  silent.close();
  windows.end(STATUS_CANCELLED);
  const heard = windows.probe();
  windows.end(UnreachableStatus.STATUS_SUCCESS);
  assertEquals(heard.take()?.kind, "answered");
  heard.close();
  assertEquals(receivesInFlight(), 0);
});
