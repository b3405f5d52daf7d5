/**
 * The doctor's part that is Windows'.
 *
 * @module
 */
import {
  type FirewallState,
  type NetworkKind,
  windowsFirewall,
} from "../../system/firewall/mod.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { isAdministrator } from "../../system/rights/mod.ts";
import { isTapAdapter } from "../../link/tap_windows_adapters.ts";
import { findWindowsAdapters, type WindowsAdapter } from "../../link/windows_adapters.ts";
import type { ClientDiagnostics } from "../../observe/diagnostics.ts";
import type { Finding, FindingGroup } from "../../observe/report.ts";
import { readDhcpSettings, readMacSettings, WindowsInterface } from "../../system/adapter/mod.ts";
import { LIMITED_BROADCAST, MDNS_GROUP } from "../../proto/ip.ts";
import { windowsTable } from "../../system/routes/mod.ts";
import { interfaceAddresses } from "../common/interface_addresses.ts";
import { blockedPrograms } from "../../client/blocked_programs.ts";
import { isSafeDriver } from "./windows_driver.ts";

const AF_INET = 2;

/** Adapters of other tunnels and networks, by their drivers' ids or descriptions. */
const TUNNELS = new RegExp(
  "vpn|wintun|wireguard|zerotier|zttap|hamachi|tailscale|radmin|softether|neo_|nordlynx|" +
    "tap-|tap0|ovpn|evolve|gameranger|fortinet|anyconnect|globalprotect",
  "i",
);

/** Looks at this PC. @param tapName the client's adapter, where one is named */
export function examineWindows(tapName?: string, running?: ClientDiagnostics): FindingGroup[] {
  const isRunning = running !== undefined;
  const adapters = findWindowsAdapters();
  const taps = adapters.filter(isTapAdapter);
  const wanted = tapName?.toLowerCase();
  const tap = taps.find(({ name }) => name.toLowerCase() === wanted) ?? taps[0];
  return [
    { title: "TAP driver", findings: examineDriver(taps, tapName) },
    ...(tap === undefined ? [] : [
      { title: `Adapter "${tap.name}"`, findings: examineAdapter(tap, isRunning) },
      { title: "Ways", findings: examineWays(tap, adapters, isRunning) },
      { title: "Firewall", findings: examineFirewall(tap, isRunning) },
    ]),
    { title: "This PC", findings: [rights()] },
  ];
}

function examineDriver(taps: readonly WindowsAdapter[], tapName: string | undefined): Finding[] {
  if (taps.length === 0) {
    const advice = "install TAP-Windows6: it comes with OpenVPN, or alone from OpenVPN's downloads";
    return [{ what: "adapters", how: "none", advice }];
  }
  const names = taps.map(({ name }) => `"${name}"`).join(", ");
  const isThere = tapName === undefined ||
    taps.some(({ name }) => name.toLowerCase() === tapName.toLowerCase());
  const version = taps[0].driverVersion;
  const numbers = version?.split(".").map(Number) ?? [];
  const isOld = numbers.length >= 2 && !isSafeDriver({ major: numbers[0], minor: numbers[1] });
  return [
    {
      what: "adapters",
      how: names,
      ...(isThere ? {} : { advice: `there is no "${tapName}" among them` }),
    },
    {
      what: "version",
      how: version ?? "unknown",
      ...(isOld
        ? { advice: "it has a known hole (CVE-2024-1305): update TAP-Windows6 to 9.27 or later" }
        : {}),
    },
  ];
}

function examineAdapter(tap: WindowsAdapter, isRunning: boolean): Finding[] {
  const addresses = interfaceAddresses(tap.name);
  const { NetworkAddress, MAC } = readMacSettings(tap);
  const macSetting = NetworkAddress ?? MAC;
  const findings: Finding[] = [
    { what: "MAC in its settings", how: macSetting ?? "none, it has its own" },
    { what: "addresses", how: addresses.length === 0 ? "none" : addresses.join(", ") },
    { what: "DHCP", how: describeLease(tap.guid) },
  ];
  const network = interfaceOf(tap);
  if (network === undefined) {
    const advice = "enable it among the network connections of Control Panel";
    return [...findings, { what: "state", how: "disabled or in trouble", advice }];
  }
  const ipv4 = network.settings().find(({ family }) => family === AF_INET);
  if (ipv4 === undefined) {
    // Windows knows the interface of a disabled adapter, too.
    const advice =
      "enable the adapter among the network connections of Control Panel, and IPv4 in its properties";
    return [...findings, { what: "IPv4", how: "off, or the adapter is disabled", advice }];
  }
  const metric = ipv4.automaticMetric === 0 ? String(ipv4.metric) : `automatic (${ipv4.metric})`;
  const isLow = ipv4.automaticMetric === 0 && ipv4.metric === 1;
  return [...findings, {
    what: "metric, MTU",
    how: `${metric}, ${ipv4.mtu}`,
    ...(isRunning && !isLow ? { advice: "another program has changed the metric" } : {}),
  }];
}

/** What Windows' own DHCP client has written down of an adapter. */
function describeLease(guid: string): string {
  const { isOn, leased, server } = readDhcpSettings(guid);
  if (!isOn) return "off: it has a fixed address";
  return leased === undefined ? "no lease" : `${leased} from ${server ?? "an unknown server"}`;
}

function interfaceOf({ guid }: WindowsAdapter): WindowsInterface | undefined {
  try {
    return WindowsInterface.find(guid);
  } catch (error) {
    if (error instanceof WindowsError) return undefined;
    throw error;
  }
}

function examineWays(
  tap: WindowsAdapter,
  adapters: readonly WindowsAdapter[],
  isRunning: boolean,
): Finding[] {
  const names = new Map<number, string>();
  for (const adapter of adapters) {
    const index = interfaceOf(adapter)?.index;
    if (index !== undefined) names.set(index, adapter.name);
  }
  const owner = (what: string, address: Uint8Array): Finding => {
    const index = windowsTable.interfaceTo(address);
    if (index === undefined) return { what, how: "by no adapter" };
    const name = names.get(index);
    const isWrong = isRunning && name !== tap.name;
    return {
      what,
      how: name === undefined ? `by interface ${index}` : `by "${name}"`,
      ...(isWrong
        ? { advice: "games may not be found: end what has set that adapter above the party's" }
        : {}),
    };
  };
  return [
    owner("broadcast", LIMITED_BROADCAST),
    owner("multicast", MDNS_GROUP),
    otherTunnels(tap, adapters),
  ];
}

function otherTunnels(tap: WindowsAdapter, adapters: readonly WindowsAdapter[]): Finding {
  const connected = new Set(Deno.networkInterfaces().map(({ name }) => name));
  const others = adapters.filter((adapter) =>
    adapter.guid !== tap.guid && TUNNELS.test(`${adapter.componentId} ${adapter.description}`)
  );
  const isInUse = others.filter(({ name }) => connected.has(name));
  const describe = ({ name, description }: WindowsAdapter) =>
    `"${name}"${description === "" ? "" : ` (${description})`}${
      connected.has(name) ? ", connected" : ""
    }`;
  return {
    what: "other tunnels",
    how: others.length === 0 ? "none" : others.map(describe).join("; "),
    ...(isInUse.length > 0
      ? { advice: "if games are not found, or the ping is high: disconnect them and try again" }
      : {}),
  };
}

function examineFirewall(tap: WindowsAdapter, isRunning: boolean): Finding[] {
  const known = tryOr(undefined, () => windowsFirewall.networkKind(tap.guid));
  const kind = known ?? "public";
  const state = tryOr(undefined, () => windowsFirewall.state(kind));
  const network: Finding = {
    what: "the party counts as",
    how: known === undefined ? "unidentified, and so public" : kind,
  };
  if (state === undefined) return [network, { what: "firewall", how: "does not run" }];
  const { enabled, blocksAll, takesRules } = state;
  const how = !enabled
    ? "off"
    : blocksAll
    ? "on, and lets nobody in"
    : takesRules
    ? "on"
    : "on, under a policy that is above this PC's rules";
  const isShut = enabled && isRunning && kind === "public";
  const firewall: Finding = {
    what: "firewall there",
    how,
    ...(isShut ? { advice: toBeReached(state) } : {}),
  };
  return enabled ? [network, firewall, keptOut(kind)] : [network, firewall];
}

/** Programs that are named in the report. */
const NAMED_MAX = 8;

/** What nobody reaches, even with --allow-inbound. */
function keptOut(kind: NetworkKind): Finding {
  const what = "programs kept out";
  const rules = tryOr(undefined, () => windowsFirewall.programRules());
  if (rules === undefined) return { what, how: "cannot be seen" };
  const blocked = blockedPrograms(rules, kind);
  if (blocked.length === 0) return { what, how: "none" };
  const names = blocked.slice(0, NAMED_MAX).map(({ name, program }) => {
    return `${name} (${program.split(/[\\/]/).at(-1)})`;
  });
  const more = blocked.length - names.length;
  return {
    what,
    how: `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`,
    advice:
      "if you host a game with one of these, nobody can join: Windows' question was cancelled once. Tick it under " +
      `"Allow an app through Windows Firewall", for ${kind} networks`,
  };
}

/** What a player has to do who hosts a game that nobody can join. */
function toBeReached({ blocksAll, takesRules }: FirewallState): string {
  const what = "if you host a game and nobody can join:";
  if (!takesRules) return `${what} ask whoever administers this PC`;
  return blocksAll
    ? `${what} let Windows' firewall no longer block all incoming connections of public networks`
    : `${what} start the client with --allow-inbound`;
}

function rights(): Finding {
  return {
    what: "rights now",
    how: isAdministrator() ? "administrator" : "user (the client asks for more when it starts)",
  };
}

function tryOr<T>(otherwise: T, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof WindowsError) return otherwise;
    throw error;
  }
}
