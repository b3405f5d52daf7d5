/** Which TAP adapter a Windows client takes, whose it is, and which drivers it warns of. */
import { assertEquals, assertThrows } from "@std/assert";
import { LinkError } from "../../../../src/link/device.ts";
import { isTapAdapter } from "../../../../src/link/tap_windows_adapters.ts";
import {
  candidatesOf,
  chooseAdapter,
  freeName,
  isUnclaimed,
  keepsMac,
  type KnownAdapter,
} from "../../../../src/programs/client/windows_adapter_choice.ts";
import { UserError } from "../../../../src/log/user_error.ts";
import { isSafeDriver } from "../../../../src/programs/client/windows_driver.ts";

const NO_MAC = { NetworkAddress: null, MAC: null };

function adapter(name: string, known: Partial<KnownAdapter> = {}): KnownAdapter {
  return {
    guid: `{${name}}`,
    name,
    componentId: "root\\tap0901",
    description: "TAP-Windows Adapter V9",
    instanceId: undefined,
    settingsKey: "",
    driverVersion: undefined,
    mark: undefined,
    macSettings: NO_MAC,
    hasFixedAddress: false,
    ...known,
  };
}

const ADAPTERS = ["One", "Two", "Three"].map((name) => adapter(name));
const WANTED = Uint8Array.of(2, 0, 0, 0, 0, 0xa1);
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 2);
const KEPT = { NetworkAddress: "0200000000a1", MAC: null };
const OWNERS = { NetworkAddress: "00FF11223344", MAC: null };

/** What `readMac` finds; an adapter that is not named is in use. */
function macs(found: Record<string, Uint8Array>): (adapter: { name: string }) => Uint8Array {
  return ({ name }) => {
    const mac = found[name];
    if (mac === undefined) throw new LinkError("name-taken", `${name} is in use`);
    return mac;
  };
}

function namesOf(adapters: readonly KnownAdapter[], tapName?: string): string[] {
  return candidatesOf(adapters, tapName, WANTED).map(({ name }) => name);
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

Deno.test("an adapter is asked for by its name, in whatever case, also one of others", () => {
  assertEquals(namesOf(ADAPTERS, "tWO"), ["Two"]);
  assertEquals(namesOf([adapter("OpenVPN TAP-Windows6")], "openvpn tap-windows6").length, 1);
  const missing = () => candidatesOf(ADAPTERS, "Four");
  assertThrows(missing, UserError, 'no TAP adapter "Four"; this PC has "One", "Two", "Three"');
});

Deno.test("the party's own are taken before all others", () => {
  const own = [
    adapter("LAN party"),
    adapter("lan party 2"),
    adapter("Ethernet 4", { mark: "made" }),
    adapter("Ethernet 5", { mark: "taken" }),
    adapter("Ethernet 6", { macSettings: KEPT }),
  ];
  assertEquals(namesOf([...ADAPTERS, ...own]), own.map(({ name }) => name));
});

Deno.test("without any of its own, one that carries nobody's name, MAC or address", () => {
  const others = [
    adapter("OpenVPN TAP-Windows6"),
    adapter("Firmen-VPN"),
    adapter("Ethernet 2", { description: "TAP-ProtonVPN Windows Adapter V9" }),
    adapter("Ethernet 3", { macSettings: OWNERS }),
    adapter("Ethernet 4", { macSettings: { NetworkAddress: null, MAC: "00-FF-11-22-33-44" } }),
    adapter("Ethernet 5", { hasFixedAddress: true }),
    adapter("My VPN", { macSettings: KEPT }),
    adapter("LAN partying"),
  ];
  assertEquals(others.filter(isUnclaimed).map(({ name }) => name), ["LAN partying"]);
  assertEquals(namesOf(others.slice(0, -1)), []);
  assertEquals(namesOf([...others, adapter("Ethernet 9")]), ["LAN partying", "Ethernet 9"]);
});

Deno.test("the player's MAC stays on the party's adapter alone; others get their owner's back", () => {
  const keeps = (one: KnownAdapter) => keepsMac(one, WANTED);
  assertEquals(keeps(adapter("LAN party")), true);
  assertEquals(keeps(adapter("LAN party", { macSettings: KEPT })), true);
  assertEquals(keeps(adapter("Ethernet 2", { mark: "made", macSettings: OWNERS })), true);
  assertEquals(keeps(adapter("LAN party", { macSettings: OWNERS })), false);
  assertEquals(keeps(adapter("Work VPN")), false);
  assertEquals(keeps(adapter("Work VPN", { macSettings: OWNERS })), false);
  assertEquals(keeps(adapter("Ethernet 2")), false);
});

Deno.test("a new adapter has the party's name, with a number where that is taken", () => {
  assertEquals(freeName([]), "LAN party");
  assertEquals(freeName(["Ethernet", "Wi-Fi"]), "LAN party");
  assertEquals(freeName(["lan PARTY"]), "LAN party 2");
  assertEquals(freeName(["LAN party", "LAN party 2", "LAN party 4"]), "LAN party 3");
});

Deno.test("TAP-Windows6 has two ids: installed by its package, or by hand", () => {
  const ids = ["tap0901", "root\\tap0901", "tap0801", "root\\wintun", "zttap300"];
  const taps = ids.filter((componentId) => isTapAdapter(adapter("x", { componentId })));
  assertEquals(taps, ["tap0901", "root\\tap0901"]);
});

Deno.test("the driver has a hole up to 9.26", () => {
  const versions = [[9, 9], [9, 26], [9, 27], [10, 0], [8, 30]];
  const safe = versions.filter(([major, minor]) => isSafeDriver({ major, minor }));
  assertEquals(safe, [[9, 27], [10, 0]]);
});
