import * as constants from "../../src/ffi/msquic_constants.ts";
import * as layouts from "../../src/ffi/msquic_layout.ts";
import { QUIC_API_TABLE } from "../../src/ffi/msquic_table.ts";
import { assertConstants, assertLayouts } from "../support/layout_probe.ts";
import type { ProbeOptions } from "../support/layout_probe.ts";
import { msquicSource } from "../../tools/lab/native.ts";

async function headers(): Promise<ProbeOptions> {
  const source = await msquicSource();
  return {
    preamble: [
      "#define CX_PLATFORM_LINUX 1",
      "#define _GNU_SOURCE 1",
      "#define QUIC_API_ENABLE_PREVIEW_FEATURES 1",
      '#include "quic_platform.h"',
      '#include "msquic.h"',
    ],
    flags: ["-w", `-I${source}/src/inc`],
  };
}

/** `{ KEY: value }` under C names with a prefix; `null` entries have no C name of that form. */
function prefixed(prefix: string, values: Readonly<Record<string, number>>) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]));
}

Deno.test("msquic's structs are laid out as its headers say", async () => {
  await assertLayouts([...Object.values(layouts), QUIC_API_TABLE], await headers());
});

Deno.test("msquic's constants have the values of its headers", async () => {
  const c = constants;
  await assertConstants({
    QUIC_API_VERSION_2: c.QUIC_API_VERSION_2,
    QUIC_STATELESS_RESET_KEY_LENGTH: c.STATELESS_RESET_KEY_BYTES,
    ...prefixed("QUIC_CONNECTION_EVENT_", c.ConnectionEvent),
    ...prefixed("QUIC_DATAGRAM_SEND_", c.DatagramSendState),
    ...prefixed("QUIC_STREAM_EVENT_", c.StreamEvent),
    ...prefixed("QUIC_LISTENER_EVENT_", c.ListenerEvent),
    ...prefixed("QUIC_EXECUTION_PROFILE_", c.ExecutionProfile),
    ...prefixed("QUIC_CREDENTIAL_TYPE_", c.CredentialType),
    ...prefixed("QUIC_CREDENTIAL_FLAG_", c.CredentialFlag),
    ...prefixed("QUIC_CONGESTION_CONTROL_ALGORITHM_", c.CongestionControl),
    ...prefixed("QUIC_SERVER_", c.ServerResumption),
    ...prefixed("QUIC_STREAM_OPEN_FLAG_", c.StreamOpenFlag),
    ...prefixed("QUIC_STREAM_START_FLAG_", c.StreamStartFlag),
    ...prefixed("QUIC_STREAM_SHUTDOWN_FLAG_", c.StreamShutdownFlag),
    ...prefixed("QUIC_CONNECTION_SHUTDOWN_FLAG_", c.ConnectionShutdownFlag),
    ...prefixed("QUIC_PARAM_", c.Param),
    ...prefixed("QUIC_PERF_COUNTER_", c.PerfCounter),
    ...prefixed("QUIC_STATUS_", c.QuicStatus),
  }, await headers());
});

Deno.test("msquic's settings flags have the bits of its headers", async () => {
  const fields = Object.fromEntries(
    Object.entries(constants.SettingBit).map(([name, bit]) => [
      `is set: ${name}`,
      { offset: bit >> 3, type: "bits", bit: bit & 7, bits: 1, member: `IsSet.${name}` } as const,
    ]),
  );
  const layout = { ...layouts.QUIC_SETTINGS, fields };
  await assertLayouts([layout], await headers());
});
