/**
 * The doctor's part that is Linux'.
 *
 * @module
 */
import { bestRoute } from "../../client/route_plan.ts";
import { LinkError } from "../../link/device.ts";
import { type InterfaceInfo, interfaceName, queryInterface } from "../../link/interface.ts";
import { TAP_NAME_DEFAULT } from "../../link/tap.ts";
import type { ClientDiagnostics } from "../../observe/diagnostics.ts";
import { inboundSentence, type InboundState } from "../../observe/inbound.ts";
import type { Finding, FindingGroup } from "../../observe/report.ts";
import { exists } from "../../system/files/mod.ts";
import { findManagers } from "../../system/managers/mod.ts";
import { Capability, hasCapability } from "../../system/rights/mod.ts";
import { IPV6_MDNS_GROUP, LIMITED_BROADCAST, MDNS_GROUP } from "../../proto/ip.ts";
import { type IpRoute } from "../../proto/ip_route.ts";
import { formatMac } from "../../proto/mac.ts";
import { linuxTable } from "../../system/routes/mod.ts";
import { interfaceAddresses } from "../common/interface_addresses.ts";

/** How adapters of other tunnels are called. */
const TUNNELS = /^(tun|tap|wg|zt|tailscale|ham|nordlynx|proton|ipsec|ppp|vpn)/;

/** Looks at this machine. */
export function examineLinux(
  tapName: string = TAP_NAME_DEFAULT,
  running?: ClientDiagnostics,
): FindingGroup[] {
  const isRunning = running !== undefined;
  const routes = readMainRoutes();
  return [
    { title: "Adapter", findings: examineAdapter(tapName, isRunning) },
    {
      title: "This machine",
      findings: [
        ...examineRights(),
        ownerFinding("broadcast", LIMITED_BROADCAST, routes, tapName),
        ownerFinding("multicast", MDNS_GROUP, routes, tapName),
        ipv6MulticastFinding(tapName),
        otherTunnels(tapName),
        managersFinding(tapName, isRunning),
        firewallFinding(running?.inbound),
      ],
    },
  ];
}

function examineAdapter(name: string, isRunning: boolean): Finding[] {
  const info = readInterface(name);
  if (info === undefined) {
    return [{ what: name, how: isRunning ? "gone" : "not there: the client makes it" }];
  }
  const addresses = interfaceAddresses(name);
  const state = `${info.up ? "up" : "down"}, MTU ${info.mtu}, MAC ${formatMac(info.mac)}`;
  return [
    {
      what: name,
      how: state,
      ...(isRunning ? {} : { advice: "it is there, but no client of yours runs" }),
    },
    { what: "addresses", how: addresses.length === 0 ? "none" : addresses.join(", ") },
  ];
}

function readInterface(name: string): InterfaceInfo | undefined {
  try {
    return queryInterface(name);
  } catch (error) {
    if (error instanceof LinkError) return undefined;
    throw error;
  }
}

function examineRights(): Finding[] {
  const device = exists("/dev/net/tun");
  return [
    {
      what: "rights",
      how: hasCapability(Capability.netAdmin) ? "may make adapters" : "may not make adapters",
      ...(hasCapability(Capability.netAdmin) ? {} : { advice: "start lanparty-client as root" }),
    },
    {
      what: "/dev/net/tun",
      how: device ? "there" : "not there",
      ...(device ? {} : { advice: "load the kernel's module: modprobe tun" }),
    },
  ];
}

/** Linux sends what is bound to no interface by its routes; most games bind, or ask all interfaces. */
function ownerFinding(
  what: string,
  address: Uint8Array,
  routes: readonly IpRoute[],
  tapName: string,
): Finding {
  return byOwner(what, bestRoute(routes, address)?.interfaceIndex, tapName);
}

/** It is the kernel's own table that decides about IPv6's, which only the kernel tells. */
function ipv6MulticastFinding(tapName: string): Finding {
  return byOwner("IPv6 multicast", wayIndex(IPV6_MDNS_GROUP), tapName);
}

function wayIndex(address: Uint8Array): number | undefined {
  try {
    return linuxTable.wayTo(address)?.interfaceIndex;
  } catch (error) {
    if (linuxTable.failureOf(error) !== undefined) return undefined;
    throw error;
  }
}

function byOwner(what: string, index: number | undefined, tapName: string): Finding {
  const owner = index === undefined ? undefined : interfaceName(index);
  const how = owner === undefined
    ? "by no interface, unless a program chooses one"
    : `by ${owner}, unless a program chooses another`;
  return { what, how: owner === tapName ? `by ${owner}, into the party` : how };
}

function otherTunnels(tapName: string): Finding {
  const names = [...new Set(Deno.networkInterfaces().map(({ name }) => name))]
    .filter((name) => TUNNELS.test(name) && name !== tapName);
  return { what: "other tunnels", how: names.length === 0 ? "none" : names.join(", ") };
}

/** Who would give an adapter addresses, if it were not told to leave this one alone. */
function managersFinding(tapName: string, isRunning: boolean): Finding {
  const names = findManagers().join(", ");
  const how = names === "" ? "none" : isRunning ? `${names}: not for ${tapName}` : names;
  return { what: "network managers", how };
}

/** A client tries it; without one nobody can say it for sure. */
function firewallFinding(inbound: InboundState | undefined): Finding {
  const what = "firewall";
  if (inbound === undefined) return { what, how: "not tried: a client in the LAN does" };
  const { what: how, advice } = inboundSentence(inbound);
  return { what, how, ...(advice === undefined ? {} : { advice }) };
}

/** What decides where no rule of a VPN's says otherwise. */
function readMainRoutes(): IpRoute[] {
  try {
    return linuxTable.read().filter(({ isMain }) => isMain);
  } catch (error) {
    if (linuxTable.failureOf(error) !== undefined) return [];
    throw error;
  }
}
