/** Windows' structs, constants and functions, compared with mingw-w64's headers by its compiler. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import * as consoles from "../../src/ffi/windows_console.ts";
import * as deviceIo from "../../src/ffi/windows_device_io.ts";
import * as devices from "../../src/ffi/windows_devices.ts";
import * as events from "../../src/ffi/windows_events.ts";
import * as com from "../../src/ffi/windows_com.ts";
import * as firewall from "../../src/ffi/windows_firewall.ts";
import * as ip from "../../src/ffi/windows_ip.ts";
import * as kernel from "../../src/ffi/windows_kernel.ts";
import * as msquic from "../../src/ffi/windows_msquic.ts";
import * as networks from "../../src/ffi/windows_networks.ts";
import * as process from "../../src/ffi/windows_process.ts";
import * as registry from "../../src/ffi/windows_registry.ts";
import * as security from "../../src/ffi/windows_security.ts";
import * as setup from "../../src/ffi/windows_setup.ts";
import * as trust from "../../src/ffi/windows_trust.ts";
import * as resolve from "../../src/ffi/windows_resolve.ts";
import * as sockets from "../../src/ffi/windows_sockets.ts";
import { ClipboardConstant } from "../../src/ffi/windows_clipboard.ts";
import { WindowConstant } from "../../src/ffi/windows_window.ts";
import { LOAD_LIBRARY_SEARCH_SYSTEM32 } from "../../src/ffi/system_dll.ts";
import { TapControl } from "../../src/link/tap_windows_driver.ts";
import { readWindowsCalls } from "../../tools/docs/windows_calls.ts";
import { msquicSource } from "../../tools/lab/native.ts";
import {
  assertCompiles,
  assertSignatures,
  constantAssertions,
  interfaceAssertions,
  layoutAssertions,
} from "../support/windows_headers.ts";

/** Headers that are enough for what is wrong on purpose: all of them take the compiler seconds. */
const FEW = ["windows.h", "netfw.h"];

Deno.test("Windows' structs are laid out as its headers say", async () => {
  const { structs } = await readWindowsCalls();
  const ofWindows = structs.filter(({ name }) => name !== msquic.CXPLAT_SQE_WINDOWS.name);
  assert(ofWindows.length > 9, `${ofWindows.length}`);
  await assertCompiles(ofWindows.flatMap(layoutAssertions));
  const wrong = { ...kernel.OVERLAPPED, sizeBytes: 40 };
  const failure = await assertCompiles(layoutAssertions(wrong), { includes: FEW }).then(
    () => "",
    String,
  );
  assertEquals(failure.includes("sizeof(OVERLAPPED) is 40"), true);
});

Deno.test("Windows' constants have the values of its headers", async () => {
  const { HKEY_CURRENT_USER: _user, HKEY_LOCAL_MACHINE: _machine, ...registryConstants } =
    registry.RegistryConstant;
  const { CERT_STORE_PROV_MEMORY, CERT_CHAIN_POLICY_SSL, ...trustConstants } = trust.TrustConstant;
  await assertCompiles([
    ...constantAssertions(kernel.WindowsConstant),
    ...constantAssertions(registryConstants),
    ...constantAssertions(ClipboardConstant),
    ...constantAssertions(devices.DeviceConstant),
    ...constantAssertions(deviceIo.DeviceIoConstant),
    ...constantAssertions(ip.IpConstant),
    ...constantAssertions(WindowConstant),
    ...constantAssertions(events.EventConstant),
    ...constantAssertions(sockets.SocketConstant),
    ...constantAssertions(sockets.UnreachableStatus),
    ...constantAssertions(consoles.ConsoleConstant),
    ...constantAssertions(process.ProcessConstant),
    ...constantAssertions(security.SecurityConstant),
    ...constantAssertions(setup.SetupConstant),
    ...constantAssertions(com.ComConstant),
    ...constantAssertions(firewall.FirewallConstant),
    ...constantAssertions(networks.NetworkCategory),
    ...constantAssertions(trustConstants),
    ...constantAssertions({
      "(uintptr_t)CERT_STORE_PROV_MEMORY": CERT_STORE_PROV_MEMORY,
      "(uintptr_t)CERT_CHAIN_POLICY_SSL": CERT_CHAIN_POLICY_SSL,
    }),
    ...constantAssertions({
      LOAD_LIBRARY_SEARCH_SYSTEM32,
      AI_ADDRCONFIG: resolve.AI_ADDRCONFIG_WINDOWS,
      "sizeof(WSADATA)": sockets.WSADATA_BYTES,
      "CTL_CODE(FILE_DEVICE_UNKNOWN, 1, METHOD_BUFFERED, FILE_ANY_ACCESS)": TapControl.getMac,
      "CTL_CODE(FILE_DEVICE_UNKNOWN, 2, METHOD_BUFFERED, FILE_ANY_ACCESS)": TapControl.getVersion,
      "CTL_CODE(FILE_DEVICE_UNKNOWN, 3, METHOD_BUFFERED, FILE_ANY_ACCESS)": TapControl.getMtu,
      "CTL_CODE(FILE_DEVICE_UNKNOWN, 6, METHOD_BUFFERED, FILE_ANY_ACCESS)":
        TapControl.setMediaStatus,
    }),
  ]);
});

Deno.test("msquic's statuses and completions on Windows are as its headers say", async () => {
  const source = await msquicSource();
  const compat = new URL("../../tools/msquic/windows/compat.h", import.meta.url).pathname;
  const options = [
    ...["-include", compat, `-I${source}/src/inc`, "-w", "-std=gnu11", "-fgnu89-inline"],
    ...["-fms-extensions", "-DQUIC_EVENTS_STUB", "-DQUIC_LOGS_STUB"],
    ...["-DQUIC_API_ENABLE_PREVIEW_FEATURES=1", "-DSECURITY_WIN32", "-DNDEBUG"],
  ];
  const statuses = Object.fromEntries(
    Object.entries(msquic.QUIC_STATUS_WINDOWS).map(([name, value]) => [
      `(unsigned)QUIC_STATUS_${name}`,
      value,
    ]),
  );
  await assertCompiles(
    [...layoutAssertions(msquic.CXPLAT_SQE_WINDOWS), ...constantAssertions(statuses)],
    { options, includes: ["msquic.h", "quic_platform.h"] },
  );
});

Deno.test("Windows' component objects have their methods where the headers say", async () => {
  const { interfaces } = await readWindowsCalls();
  assert(interfaces.length > 6, `${interfaces.length}`);
  await assertCompiles(interfaces.flatMap(interfaceAssertions));
  const rule = firewall.INetFwRule;
  for (
    const wrong of [
      { ...rule, methods: { put_Name: { slot: 9, parameters: ["BSTR"] } } },
      { ...rule, methods: { put_Name: { slot: 8, parameters: ["LONG"] } } },
    ] as const
  ) {
    const failure = await assertCompiles(interfaceAssertions(wrong), { includes: FEW }).then(
      () => "",
      String,
    );
    assertMatch(failure, /INetFwRule\.put_Name (is not method 9|takes something else)/);
  }
});

Deno.test("Windows' functions take and return what its headers say", async () => {
  const { functions } = await readWindowsCalls();
  // The C library's own results are not of interest, and a function is called by its address.
  const ofWindows = functions.filter(({ dll }) => dll !== "msvcrt.dll");
  assert(ofWindows.length > 60, `${ofWindows.length}`);
  await assertSignatures(ofWindows);
  for (const parameters of [["u32"], ["usize", "u32"]] as const) {
    const symbol = { parameters, result: "i32" } as const;
    const failure = await assertSignatures([{ name: "CloseHandle", symbol }], { includes: FEW })
      .then(() => "", String);
    assertEquals(/CloseHandle (0: HANDLE has 4 bytes|takes 1)/.test(failure), true, failure);
  }
});
