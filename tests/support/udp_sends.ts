/** What an msquic library that lies in a file, and is open already, has done on its sockets. */
import { Param, PerfCounter } from "../../src/ffi/msquic_constants.ts";
import { openMsQuic } from "../../src/quic/msquic_open.ts";

/** Totals since it was opened. */
export interface UdpSends {
  readonly datagrams: number;
  /** System calls: several datagrams share one. */
  readonly calls: number;
}

/** The same file is the same library to the loader, so its counters are those of whoever has opened it, too. */
export function readUdpSends(libraryFile: string): UdpSends {
  const library = openMsQuic(libraryFile);
  try {
    const counters = new BigUint64Array(PerfCounter.MAX);
    const size = new Uint32Array([counters.byteLength]);
    library.symbols.MsQuicGetParam(null, Param.GLOBAL_PERF_COUNTERS, size, counters);
    return {
      datagrams: Number(counters[PerfCounter.UDP_SEND]),
      calls: Number(counters[PerfCounter.UDP_SEND_CALLS]),
    };
  } finally {
    library.close();
  }
}
