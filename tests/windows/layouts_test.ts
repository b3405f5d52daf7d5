/** Windows' structs, constants and functions, compared with mingw-w64's headers by its compiler. */
import { assertEquals } from "@std/assert";
import { KNOWN_FOLDER_SYMBOLS } from "../../src/ffi/known_folder.ts";
import type { StructLayout } from "../../src/ffi/layout.ts";
import * as devices from "../../src/ffi/windows_devices.ts";
import * as events from "../../src/ffi/windows_events.ts";
import * as ip from "../../src/ffi/windows_ip.ts";
import * as kernel from "../../src/ffi/windows_kernel.ts";
import * as msquic from "../../src/ffi/windows_msquic.ts";
import * as registry from "../../src/ffi/windows_registry.ts";
import * as resolve from "../../src/ffi/windows_resolve.ts";
import { LOAD_LIBRARY_SEARCH_SYSTEM32, SYSTEM_DLL_SYMBOLS } from "../../src/ffi/system_dll.ts";
import { WINDOWS_RIGHTS_SYMBOLS } from "../../src/ffi/windows_rights.ts";
import { TapControl } from "../../src/link/tap_windows.ts";
import { msquicSource } from "../support/native.ts";
import {
  assertCompiles,
  assertSignatures,
  constantAssertions,
  layoutAssertions,
} from "../support/windows_headers.ts";

const LAYOUTS: readonly StructLayout[] = [
  kernel.OVERLAPPED,
  kernel.OVERLAPPED_ENTRY,
  resolve.ADDRINFOW,
  ip.MIB_IPINTERFACE_ROW,
  ip.MIB_IPFORWARD_ROW2,
  ip.SOCKADDR_INET,
  ip.MIB_UNICASTIPADDRESS_ROW,
  ip.MIB_IPFORWARD_TABLE2,
  ip.MIB_UNICASTIPADDRESS_TABLE,
  ip.MIB_IPINTERFACE_TABLE,
  ip.IP_ADAPTER_ADDRESSES,
  ip.IP_ADAPTER_DNS_SERVER_ADDRESS,
];

Deno.test("Windows' structs are laid out as its headers say", async () => {
  await assertCompiles(LAYOUTS.flatMap(layoutAssertions));
  const wrong = { ...kernel.OVERLAPPED, sizeBytes: 40 };
  const failure = await assertCompiles(layoutAssertions(wrong)).then(() => "", String);
  assertEquals(failure.includes("sizeof(OVERLAPPED) is 40"), true);
});

Deno.test("Windows' constants have the values of its headers", async () => {
  const { HKEY_LOCAL_MACHINE: _, ...registryConstants } = registry.RegistryConstant;
  await assertCompiles([
    ...constantAssertions(kernel.WindowsConstant),
    ...constantAssertions(registryConstants),
    ...constantAssertions(devices.DeviceConstant),
    ...constantAssertions(ip.IpConstant),
    ...constantAssertions(events.EventConstant),
    ...constantAssertions({
      LOAD_LIBRARY_SEARCH_SYSTEM32,
      AI_ADDRCONFIG: resolve.AI_ADDRCONFIG_WINDOWS,
      "sizeof(WSADATA)": resolve.WSADATA_BYTES,
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

Deno.test("Windows' functions take and return what its headers say", async () => {
  const checked = await assertSignatures({
    ...kernel.WINDOWS_KERNEL_SYMBOLS["kernel32.dll"],
    ...kernel.WINDOWS_KERNEL_SYMBOLS["ntdll.dll"],
    ...kernel.WINDOWS_KERNEL_SYMBOLS["winmm.dll"],
    ...registry.WINDOWS_REGISTRY_SYMBOLS["advapi32.dll"],
    ...devices.WINDOWS_DEVICE_SYMBOLS["cfgmgr32.dll"],
    ...ip.WINDOWS_IP_SYMBOLS["iphlpapi.dll"],
    ...events.WINDOWS_EVENT_SYMBOLS["kernel32.dll"],
    ...resolve.WINDOWS_RESOLVE_SYMBOLS["ws2_32.dll"],
    ...KNOWN_FOLDER_SYMBOLS["shell32.dll"],
    ...KNOWN_FOLDER_SYMBOLS["ole32.dll"],
    ...WINDOWS_RIGHTS_SYMBOLS["shell32.dll"],
    ...SYSTEM_DLL_SYMBOLS["kernel32.dll"],
  });
  assertEquals(checked > 25, true);
  for (const parameters of [["u32"], ["usize", "u32"]] as const) {
    const wrong = { CloseHandle: { parameters, result: "i32" } } as const;
    const failure = await assertSignatures(wrong).then(() => "", String);
    assertEquals(/CloseHandle (0: HANDLE has 4 bytes|takes 1)/.test(failure), true, failure);
  }
});
