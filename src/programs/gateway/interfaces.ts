/**
 * Which interfaces of this machine can be bridged into a room, and why others cannot.
 *
 * @module
 */
import { LinkError } from "../../link/device.ts";
import { driverOf } from "../../link/ethtool.ts";
import { type InterfaceInfo, interfaceNames, queryInterface } from "../../link/interface.ts";
import { formatMac } from "../../proto/mac.ts";

/** What can be said of an interface as a gateway's. */
export interface InterfaceVerdict {
  /** `good`: as it should be; `limited`: it works, but; `unfit`: it cannot work. */
  readonly fitness: "good" | "limited" | "unfit";
  /** Why, and what to do: a sentence each, without full stops. */
  readonly reasons: readonly string[];
}

/** What {@link judgeInterface} must know. */
export type JudgedInterface =
  & Pick<InterfaceInfo, "name" | "up" | "carrier" | "ethernet" | "loopback" | "mtu">
  & Pick<InterfaceInfo, "wireless" | "bridge" | "master" | "bondSlave">
  & Pick<InterfaceInfo, "virtualFunction">
  & { readonly driver: string | undefined };

/** Asks for all that {@link judgeInterface} must know. @throws {LinkError} there is no such interface */
export function inspectInterface(name: string): InterfaceInfo & JudgedInterface {
  return { ...queryInterface(name), driver: driverOf(name) };
}

/** Judges an interface. */
export function judgeInterface(info: JudgedInterface): InterfaceVerdict {
  const { name, master } = info;
  const unfit = (reason: string): InterfaceVerdict => ({ fitness: "unfit", reasons: [reason] });
  if (info.loopback) return unfit("it is the loopback interface: name the LAN's");
  if (!info.ethernet) return unfit("it does not speak Ethernet");
  if (info.bondSlave) return unfit(`it is part of the bond ${master}: name the bond instead`);
  if (info.driver === "ipvlan") {
    return unfit("it is an IPVLAN, which has no MACs but its own: name the interface under it");
  }
  const reasons: string[] = [];
  if (info.driver === "macvlan") {
    reasons.push(
      "it is a MACVLAN, which gets no frames for other MACs than its own unless its mode is " +
        "passthru: players will not be reached; name the interface under it",
    );
  }
  if (info.virtualFunction) {
    reasons.push(
      "it is a virtual function of a card, which hears and sends only its own MAC unless its host " +
        "trusts it (ip link set CARD vf N trust on spoofchk off)",
    );
  }
  if (info.wireless) {
    reasons.push(
      "it is a Wi-Fi interface, and access points drop frames of other MACs than its own: players " +
        "will not be reached; use a cable",
    );
  }
  if (!info.up) reasons.push(`it is down: ip link set ${name} up`);
  else if (!info.carrier) reasons.push("it has no carrier: is the cable plugged in?");
  if (master !== undefined) {
    reasons.push(
      `it is a port of ${master}: name ${master} instead, and players reach this machine, too`,
    );
  }
  if (info.mtu < 1500) reasons.push(`its MTU is ${info.mtu}: longer frames of players are lost`);
  return { fitness: reasons.length === 0 ? "good" : "limited", reasons };
}

/** What players cannot reach over a plain interface, and how to change that; for a bridge nothing. */
export function reachNote(info: Pick<InterfaceInfo, "name" | "bridge">): string | undefined {
  if (info.bridge) return undefined;
  return `Players reach everything behind ${info.name}, but not this machine itself: for that, make ` +
    `${info.name} a port of a Linux bridge and name the bridge as --interface`;
}

/** All interfaces of this machine, in the order of the alphabet. */
export function machineInterfaces(): (InterfaceInfo & JudgedInterface)[] {
  return interfaceNames().flatMap((name) => {
    try {
      return [inspectInterface(name)];
    } catch (cause) {
      if (!(cause instanceof LinkError)) throw cause;
      return []; // it went away in between
    }
  });
}

/** The table of `lanparty-gateway interfaces`. */
export function describeInterfaces(): string {
  const rows = machineInterfaces().map(rowOf);
  if (rows.length === 0) return "This machine has no network interfaces.";
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  ).join("\n");
}

const FITNESS_TEXT = { good: "yes", limited: "yes, but", unfit: "no" } as const;

/** Name, kind, MAC, whether it can be bridged, and why. */
function rowOf(info: InterfaceInfo & JudgedInterface): string[] {
  const { fitness } = judgeInterface(info);
  return [
    info.name,
    kindOf(info),
    info.ethernet && !info.loopback ? formatMac(info.mac) : "",
    FITNESS_TEXT[fitness],
    remarksOn(info).join("; "),
  ];
}

/** What kind of interface it is, in a word. */
export function kindOf(info: JudgedInterface): string {
  if (info.loopback) return "loopback";
  if (info.bridge) return "bridge";
  if (info.wireless) return "Wi-Fi";
  return info.ethernet ? "Ethernet" : "other";
}

/** What is to be said of it: what is wrong, or what is good about it. */
export function remarksOn(info: JudgedInterface): readonly string[] {
  const { fitness, reasons } = judgeInterface(info);
  return fitness === "good" && info.bridge ? ["players reach this machine, too"] : reasons;
}
