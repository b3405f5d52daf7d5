/**
 * The exported functions of libmsquic 2.5.1 and how to open the library.
 *
 * The exported symbols are bound directly: a call through `QUIC_API_TABLE` would cost fifty times
 * as much (see `Deno.UnsafeFnPointer`). Struct layouts are in `msquic_layout.ts`, constants in
 * `msquic_constants.ts`.
 *
 * Two choices of parameter types matter for speed, and are the same throughout: a handle or address
 * that lives long is a `pointer` object made once; a 64-bit length or an address read from memory
 * is a `usize` given as a bigint, which optimized code passes without allocating. (A `usize` given
 * as a number takes a slow path, 20 times as long.)
 *
 * @module
 */

/** Functions of `msquic.h`; `HQUIC` is an opaque pointer, `QUIC_STATUS` a u32. */
export const MSQUIC_SYMBOLS = {
  MsQuicOpenVersion: {
    parameters: ["u32", /* Version */ "buffer" /* QuicApi, out */],
    result: "u32",
  },
  MsQuicClose: { parameters: ["pointer" /* QuicApi */], result: "void" },
  MsQuicExecutionCreate: {
    parameters: [
      "u32", /* Flags */
      "u32", /* PollingIdleTimeoutUs */
      "u32", /* Count */
      "buffer", /* Configs */
      "buffer", /* Executions, out */
    ],
    result: "u32",
  },
  MsQuicExecutionDelete: {
    parameters: ["u32", /* Count */ "buffer" /* Executions */],
    result: "void",
  },
  MsQuicExecutionPoll: { parameters: ["pointer" /* Execution */], result: "u32" },
  MsQuicRegistrationOpen: {
    parameters: ["buffer", /* Config */ "buffer" /* Registration, out */],
    result: "u32",
  },
  MsQuicRegistrationClose: { parameters: ["pointer" /* Registration */], result: "void" },
  MsQuicConfigurationOpen: {
    parameters: [
      "pointer", /* Registration */
      "buffer", /* AlpnBuffers */
      "u32", /* AlpnBufferCount */
      "buffer", /* Settings */
      "u32", /* SettingsSize */
      "pointer", /* Context */
      "buffer", /* Configuration, out */
    ],
    result: "u32",
  },
  MsQuicConfigurationClose: { parameters: ["pointer" /* Configuration */], result: "void" },
  MsQuicConfigurationLoadCredential: {
    parameters: ["pointer", /* Configuration */ "buffer" /* CredConfig */],
    result: "u32",
  },
  MsQuicListenerOpen: {
    parameters: [
      "pointer", /* Registration */
      "function", /* Handler */
      "pointer", /* Context */
      "buffer", /* Listener, out */
    ],
    result: "u32",
  },
  MsQuicListenerStart: {
    parameters: [
      "pointer", /* Listener */
      "buffer", /* AlpnBuffers */
      "u32", /* AlpnBufferCount */
      "buffer", /* LocalAddress */
    ],
    result: "u32",
  },
  MsQuicListenerStop: { parameters: ["pointer" /* Listener */], result: "void" },
  MsQuicListenerClose: { parameters: ["pointer" /* Listener */], result: "void" },
  MsQuicConnectionOpen: {
    parameters: [
      "pointer", /* Registration */
      "function", /* Handler */
      "pointer", /* Context */
      "buffer", /* Connection, out */
    ],
    result: "u32",
  },
  MsQuicConnectionSetConfiguration: {
    parameters: ["pointer", /* Connection */ "pointer" /* Configuration */],
    result: "u32",
  },
  MsQuicConnectionStart: {
    parameters: [
      "pointer", /* Connection */
      "pointer", /* Configuration */
      "u16", /* Family */
      "buffer", /* ServerName */
      "u16", /* ServerPort, host byte order */
    ],
    result: "u32",
  },
  MsQuicConnectionShutdown: {
    parameters: ["pointer", /* Connection */ "u32", /* Flags */ "u64" /* ErrorCode */],
    result: "void",
  },
  MsQuicConnectionClose: { parameters: ["pointer" /* Connection */], result: "void" },
  MsQuicSetCallbackHandler: {
    parameters: ["pointer", /* Handle */ "function", /* Handler */ "pointer" /* Context */],
    result: "void",
  },
  MsQuicSetParam: {
    parameters: [
      "pointer", /* Handle */
      "u32", /* Param */
      "u32", /* BufferLength */
      "buffer", /* Buffer */
    ],
    result: "u32",
  },
  MsQuicGetParam: {
    parameters: [
      "pointer", /* Handle */
      "u32", /* Param */
      "buffer", /* BufferLength, in and out */
      "buffer", /* Buffer */
    ],
    result: "u32",
  },
  MsQuicDatagramSend: {
    parameters: [
      "pointer", /* Connection */
      "pointer", /* Buffers */
      "u32", /* BufferCount */
      "u32", /* Flags */
      "pointer", /* ClientSendContext */
    ],
    result: "u32",
  },
  MsQuicStreamOpen: {
    parameters: [
      "pointer", /* Connection */
      "u32", /* Flags */
      "function", /* Handler */
      "pointer", /* Context */
      "buffer", /* Stream, out */
    ],
    result: "u32",
  },
  MsQuicStreamStart: {
    parameters: ["pointer", /* Stream */ "u32" /* Flags */],
    result: "u32",
  },
  MsQuicStreamShutdown: {
    parameters: ["pointer", /* Stream */ "u32", /* Flags */ "u64" /* ErrorCode */],
    result: "u32",
  },
  MsQuicStreamSend: {
    parameters: [
      "pointer", /* Stream */
      "buffer", /* Buffers */
      "u32", /* BufferCount */
      "u32", /* Flags */
      "pointer", /* ClientSendContext */
    ],
    result: "u32",
  },
  MsQuicStreamReceiveSetEnabled: {
    parameters: ["pointer", /* Stream */ "u8" /* IsEnabled */],
    result: "u32",
  },
  MsQuicStreamClose: { parameters: ["pointer" /* Stream */], result: "void" },
  /** Ours (patch 0006): sends `Buffers[Indices[i]]` with the context `Indices[i] + 1`. */
  MsQuicDatagramSendMany: {
    parameters: [
      "pointer", /* Connection */
      "pointer", /* Buffers */
      "pointer", /* Indices */
      "u32", /* Count */
    ],
    result: "u32",
  },
  /** Ours (patch 0005). */
  MsQuicDatagramLog: { parameters: ["buffer" /* Log */], result: "u8" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The bound functions. */
export type MsQuicSymbols = Deno.StaticForeignLibraryInterface<typeof MSQUIC_SYMBOLS>;

/** An opened libmsquic. */
export type MsQuicLibrary = Deno.DynamicLibrary<typeof MSQUIC_SYMBOLS>;
