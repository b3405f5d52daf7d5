/** Which last errors are setupapi's own: the runtime's may stand there as well. */
import { assertEquals } from "@std/assert";
import { SetupConstant } from "../../../../src/ffi/windows_setup.ts";
import { WindowsError } from "../../../../src/ffi/windows_kernel.ts";
import { macSettingsOf, NO_MAC_SETTINGS } from "../../../../src/system/adapter/mod.ts";
import { setupError } from "../../../../src/system/adapter/windows_setup.ts";

Deno.test("of a last error only one of setupapi's own is a reason", () => {
  const own = Object.entries(SetupConstant).filter(([name]) => name.startsWith("ERROR_"));
  assertEquals(own.length, 5);
  for (const [name, code] of own) {
    assertEquals(setupError(code), code, name);
    assertEquals(setupError(code | 0), code, name);
  }
  for (const other of [0, 2, 5, 183, 259, 997, 0x80070002, 0xc0000034, 0xffffffff]) {
    assertEquals(setupError(other), undefined);
  }
});

Deno.test("a failure without a reason names the call alone", () => {
  assertEquals(new WindowsError("DiInstallDevice").message, "DiInstallDevice failed");
  assertEquals(
    new WindowsError("DiInstallDevice", undefined, "x").message,
    "DiInstallDevice failed (x)",
  );
  assertEquals(new WindowsError("RegOpenKeyExW", 5).message, "RegOpenKeyExW failed: error 5");
  const setup = new WindowsError("DiInstallDevice", SetupConstant.ERROR_NO_DRIVER_SELECTED);
  assertEquals(setup.message, "DiInstallDevice failed: error 0xe0000203");
});

Deno.test("a MAC is written for the old drivers and the new", () => {
  const mac = Uint8Array.of(2, 0xab, 0, 0, 0, 0x51);
  assertEquals(macSettingsOf(mac), { NetworkAddress: "02AB00000051", MAC: "02AB00000051" });
  assertEquals(NO_MAC_SETTINGS, { NetworkAddress: null, MAC: null });
});
