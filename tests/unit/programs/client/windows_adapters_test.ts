/** Which TAP adapter a Windows client takes, and which drivers it warns of. */
import { assertEquals, assertThrows } from "@std/assert";
import { LinkError } from "../../../../src/link/device.ts";
import { isTapAdapter, type TapAdapter } from "../../../../src/link/tap_windows_adapters.ts";
import {
  candidatesOf,
  chooseAdapter,
} from "../../../../src/programs/client/windows_adapter_choice.ts";
import { UserError } from "../../../../src/log/user_error.ts";
import { isSafeDriver } from "../../../../src/programs/client/windows_driver.ts";

function adapter(name: string, componentId = "root\\tap0901"): TapAdapter {
  return {
    guid: `{${name}}`,
    name,
    componentId,
    description: "",
    instanceId: undefined,
    settingsKey: "",
    driverVersion: undefined,
  };
}

const ADAPTERS = ["One", "Two", "Three"].map((name) => adapter(name));
const WANTED = Uint8Array.of(2, 0, 0, 0, 0, 1);
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 2);

/** What `readMac` finds; an adapter that is not named is in use. */
function macs(found: Record<string, Uint8Array>): (adapter: TapAdapter) => Uint8Array {
  return ({ name }) => {
    const mac = found[name];
    if (mac === undefined) throw new LinkError("name-taken", `${name} is in use`);
    return mac;
  };
}

Deno.test("the first adapter that is not in use is taken", () => {
  const { adapter, mac } = chooseAdapter(ADAPTERS, WANTED, macs({ Two: OTHER, Three: OTHER }));
  assertEquals([adapter.name, mac], ["Two", OTHER]);
});

Deno.test("before it one that has the player's MAC already: Windows knows its network", () => {
  const { adapter } = chooseAdapter(ADAPTERS, WANTED, macs({ One: OTHER, Three: WANTED }));
  assertEquals(adapter.name, "Three");
});

Deno.test("where all are in use each is told", () => {
  const all = () => chooseAdapter(ADAPTERS.slice(0, 2), WANTED, macs({}));
  assertThrows(all, UserError, "One is in use; Two is in use");
});

Deno.test("an adapter is asked for by its name, in whatever case", () => {
  assertEquals(candidatesOf(ADAPTERS, undefined), ADAPTERS);
  assertEquals(candidatesOf(ADAPTERS, "tWO").map(({ name }) => name), ["Two"]);
  const missing = () => candidatesOf(ADAPTERS, "Four");
  assertThrows(missing, UserError, 'no TAP adapter "Four"; this PC has "One", "Two", "Three"');
});

Deno.test("TAP-Windows6 has two ids: installed by its package, or by hand", () => {
  const ids = ["tap0901", "root\\tap0901", "tap0801", "root\\wintun", "zttap300"];
  const taps = ids.filter((id) => isTapAdapter(adapter("x", id)));
  assertEquals(taps, ["tap0901", "root\\tap0901"]);
});

Deno.test("the driver has a hole up to 9.26", () => {
  const versions = [[9, 9], [9, 26], [9, 27], [10, 0], [8, 30]];
  const safe = versions.filter(([major, minor]) => isSafeDriver({ major, minor }));
  assertEquals(safe, [[9, 27], [10, 0]]);
});
