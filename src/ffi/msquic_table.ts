/**
 * msquic as its own recipe makes it: two exported functions, and a table of the others.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";
import { MSQUIC_SYMBOLS } from "./msquic.ts";

/** The table's functions that are called, by their positions; all are pointers. */
export const MSQUIC_TABLE_POSITIONS = {
  SetCallbackHandler: 2,
  SetParam: 3,
  GetParam: 4,
  RegistrationOpen: 5,
  RegistrationClose: 6,
  ConfigurationOpen: 8,
  ConfigurationClose: 9,
  ConfigurationLoadCredential: 10,
  ListenerOpen: 11,
  ListenerClose: 12,
  ListenerStart: 13,
  ListenerStop: 14,
  ConnectionOpen: 15,
  ConnectionClose: 16,
  ConnectionShutdown: 17,
  ConnectionStart: 18,
  ConnectionSetConfiguration: 19,
  StreamOpen: 21,
  StreamClose: 22,
  StreamStart: 23,
  StreamShutdown: 24,
  StreamSend: 25,
  StreamReceiveSetEnabled: 27,
  DatagramSend: 28,
  ExecutionCreate: 34,
  ExecutionDelete: 35,
  ExecutionPoll: 36,
} as const;

/** Each entry of the table is one. */
export const POINTER_BYTES = 8;

/** The table, as version 2.5 has it. */
export const QUIC_API_TABLE: StructLayout = {
  name: "QUIC_API_TABLE",
  header: "msquic.h",
  page: "https://github.com/microsoft/msquic/blob/main/docs/api/QUIC_API_TABLE.md",
  sizeBytes: 37 * POINTER_BYTES,
  fields: Object.fromEntries(
    Object.entries(MSQUIC_TABLE_POSITIONS).map(([name, position]) => [
      name,
      { offset: position * POINTER_BYTES, type: "pointer" },
    ]),
  ),
};

/** The first version whose table has the functions that run msquic on a thread of ours. */
export const TABLE_VERSION_MIN = { major: 2, minor: 5 } as const;

/** What both kinds of library export, and what tells ours. */
export const MSQUIC_EXPORTS = {
  MsQuicOpenVersion: MSQUIC_SYMBOLS.MsQuicOpenVersion,
  MsQuicClose: MSQUIC_SYMBOLS.MsQuicClose,
  MsQuicDatagramLog: { ...MSQUIC_SYMBOLS.MsQuicDatagramLog, optional: true },
} as const satisfies Deno.ForeignLibraryInterface;
