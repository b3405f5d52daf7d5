/**
 * Opening msquic: our own build, or one as msquic's own recipe makes it, which exports two functions
 * and has a table of the others. Each call through that table costs about a microsecond, and
 * datagrams come and go one by one; our build exports all functions, and ones of ours for datagrams.
 *
 * @module
 */

import { cString } from "../ffi/layout.ts";
import { checkCall, closeFd, libc, MFD_CLOEXEC } from "../ffi/libc.ts";
import { MSQUIC_SYMBOLS, type MsQuicLibrary, type MsQuicSymbols } from "../ffi/msquic.ts";
import {
  MSQUIC_EXPORTS,
  MSQUIC_TABLE_POSITIONS,
  POINTER_BYTES,
  TABLE_VERSION_MIN,
} from "../ffi/msquic_table.ts";
import { Param, QUIC_API_VERSION_2, quicFailed } from "../ffi/msquic_constants.ts";

/**
 * Opens libmsquic from a file, or from its bytes without leaving a file behind: they are written to
 * an anonymous memory file (`memfd_create`), which lives as long as the library is mapped.
 *
 * @throws {SystemCallError} if the memory file cannot be made
 * @throws {Error} from `Deno.dlopen` if it is no library, or lacks one of the symbols
 */
export function openMsQuic(source: string | Uint8Array<ArrayBuffer>): MsQuicLibrary {
  if (typeof source === "string") return openMsQuicFile(source);
  const fd = checkCall("memfd_create", libc().memfd_create(cString("libmsquic"), MFD_CLOEXEC));
  try {
    for (let written = 0; written < source.length;) {
      const rest = source.subarray(written);
      written += checkCall("write", libc().write(fd, rest, BigInt(rest.length)));
    }
    return openMsQuicFile(`/proc/self/fd/${fd}`);
  } finally {
    closeFd(fd);
  }
}

/** Opens a library by its symbols, or, where it exports two of them only, by its table. */
function openMsQuicFile(path: string): MsQuicLibrary {
  try {
    return Deno.dlopen(path, MSQUIC_SYMBOLS);
  } catch (error) {
    if (exportsEverything(path)) throw error;
    return openMsQuicTable(path);
  }
}

/** Whether a library is a build of ours, which needs no table. */
function exportsEverything(path: string): boolean {
  const library = Deno.dlopen(path, MSQUIC_EXPORTS);
  try {
    return library.symbols.MsQuicDatagramLog !== null;
  } finally {
    library.close();
  }
}

/** Opens a library that exports two functions only. @throws {Error} it lacks what we need */
function openMsQuicTable(path: string): MsQuicLibrary {
  const library = Deno.dlopen(path, MSQUIC_EXPORTS);
  const { MsQuicOpenVersion, MsQuicClose } = library.symbols;
  const out = new BigUint64Array(1);
  const status = MsQuicOpenVersion(QUIC_API_VERSION_2, out);
  const table = Deno.UnsafePointer.create(out[0]);
  if (status !== 0 || table === null) {
    library.close();
    throw new Error(`MsQuicOpenVersion failed: 0x${status.toString(16)}`);
  }
  const close = () => {
    MsQuicClose(table);
    library.close();
  };
  try {
    return { symbols: { ...bindTable(table), MsQuicOpenVersion, MsQuicClose }, close };
  } catch (error) {
    close();
    throw error;
  }
}

type Call = Deno.UnsafeFnPointer<Deno.ForeignFunction>["call"];

/** Each function as `MSQUIC_SYMBOLS` has it, whether it stands in the table or is made here. */
function bindTable(table: Deno.PointerObject): MsQuicSymbols {
  const view = new Deno.UnsafePointerView(table);
  const bind = (name: keyof typeof MSQUIC_TABLE_POSITIONS): Call => {
    const address = view.getBigUint64(MSQUIC_TABLE_POSITIONS[name] * POINTER_BYTES);
    const pointer = Deno.UnsafePointer.create<Deno.ForeignFunction>(address);
    if (pointer === null) throw new Error(`the msquic library has no ${name}`);
    const type: Deno.ForeignFunction = MSQUIC_SYMBOLS[`MsQuic${name}`];
    const fn = new Deno.UnsafeFnPointer<Deno.ForeignFunction>(pointer, type);
    return fn.call.bind(fn);
  };
  requireVersion(bind("GetParam"));
  const names = Object.keys(MSQUIC_TABLE_POSITIONS) as (keyof typeof MSQUIC_TABLE_POSITIONS)[];
  const bound = Object.fromEntries(names.map((name) => [`MsQuic${name}`, bind(name)]));
  const MsQuicDatagramSendMany = sendOneByOne(bound["MsQuicDatagramSend"]);
  // There is no log: datagrams come by callback.
  const own = { MsQuicDatagramSendMany, MsQuicDatagramLog: () => 0 };
  return { ...bound, ...own } as unknown as MsQuicSymbols;
}

/** Older tables are shorter: what stands behind them must not be called. */
function requireVersion(getParam: Call): void {
  const version = new Uint32Array(4);
  const size = new Uint32Array([version.byteLength]);
  const status = getParam(null, Param.GLOBAL_LIBRARY_VERSION, size, version);
  const [major, minor] = version;
  const { major: wanted, minor: wantedMinor } = TABLE_VERSION_MIN;
  if (status === 0 && major === wanted && minor >= wantedMinor) return;
  throw new Error(
    `the msquic library is version ${version.join(".")}: ${wanted}.${wantedMinor} is needed`,
  );
}

const QUIC_BUFFER_BYTES = 16;
const INDEX_BYTES = 4;

/** What patch 0006 does, by a call for each datagram. */
function sendOneByOne(send: Call): MsQuicSymbols["MsQuicDatagramSendMany"] {
  return (connection, buffers, indices, count) => {
    if (buffers === null || indices === null) return 0;
    const list = new Deno.UnsafePointerView(indices);
    for (let i = 0; i < count; i++) {
      const index = list.getUint32(i * INDEX_BYTES);
      const buffer = Deno.UnsafePointer.offset(buffers, index * QUIC_BUFFER_BYTES);
      const context = Deno.UnsafePointer.create(BigInt(index + 1));
      const status = send(connection, buffer, 1, 0, context) as number;
      if (quicFailed(status)) return i;
    }
    return count;
  };
}
