/**
 * A player's PC whose networks a test rules, and the calls by which its client answers: Wine's, with an IP
 * stack that keeps a table (`tests/windows/fake_iphlpapi.c`).
 */
import { assertEquals } from "@std/assert";
import type { LabProcess } from "../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../tools/lab/party.ts";
import { eventually } from "../../tools/lab/wait.ts";
import type { WinePc } from "./wine.ts";
import { startClient } from "./wine_joins.ts";

/** The player's. */
export const MAC = "02:00:00:00:00:52";
/** The relay as the player sees it. */
export const RELAY = PARTY.relayAddressForPlayer;

/** The home's network, as lines for {@linkcode WinePc.setNetwork}. */
export const ETHERNET = [
  "interface 3 25 Ethernet",
  "address 3 192.168.178.20/24",
  "address 3 2001:db8:1::20/64",
  "route 3 0.0.0.0/0 192.168.178.1 0",
  "route 3 192.168.178.0/24 0.0.0.0 256",
  "route 3 ::/0 fe80::1 0",
  "route 3 224.0.0.0/4 0.0.0.0 256",
  "route 3 255.255.255.255/32 0.0.0.0 256",
  "dns 3 192.168.178.2",
  "dns 3 9.9.9.9",
];
/** The adapter, without an address. */
export const TAP = [
  "interface 7 25 LAN party",
  "route 7 224.0.0.0/4 0.0.0.0 256",
  "route 7 255.255.255.255/32 0.0.0.0 256",
];
/** The call that adds or deletes a host route. */
export function host(
  call: "Create" | "Delete",
  address: string,
  hop: string,
  index: number,
): string {
  const prefix = `${address}/${address.includes(":") ? 128 : 32}`;
  return `${call}IpForwardEntry2 ${prefix} via ${hop} interface=${index} metric=0`;
}

/** The relay held at home, and what takes that back. */
export const BY_HOME = host("Create", RELAY, "192.168.178.1", 3);
/** See {@linkcode BY_HOME}. */
export const NOT_BY_HOME = host("Delete", RELAY, "192.168.178.1", 3);
/** What is set on the adapter. */
export const SET = [4, 6].map((version) =>
  `SetIpInterfaceEntry ipv${version} automatic=0 metric=1 mtu=1400 noDefault=1 routers=0 managed=0 other=0 forwarding=0 weak=0`
);
/** What takes that back. */
export const RESTORE = ["4 2 0", "6 1 1"].map((values) => {
  const [version, routers, dhcpv6] = values.split(" ");
  return `SetIpInterfaceEntry ipv${version} automatic=1 metric=25 mtu=1500 noDefault=0 ` +
    `routers=${routers} managed=${dhcpv6} other=${dhcpv6} forwarding=1 weak=1`;
});

/** A PC with its client, and where in the list of calls a test is. */
export class Scene {
  #seen = 0;
  client!: LabProcess;

  constructor(readonly party: Party, readonly pc: WinePc) {}

  /** Starts the client, and waits until its adapter is up. */
  async start(...options: string[]): Promise<void> {
    this.client = await startClient(this.party, this.pc, ["--virtual-mac", MAC, ...options]);
  }

  /** How often the client has said this. */
  count(pattern: RegExp): number {
    return this.client.stderr.split("\n").filter((line) => pattern.test(line)).length;
  }

  /** Waits until the client has said this so often, at most this long. */
  said(pattern: RegExp, times = 1, timeoutMs = 20_000): Promise<void> {
    return eventually(`${times} × ${pattern}`, () => this.count(pattern) >= times, timeoutMs);
  }

  /** The calls that changed routes or settings since the last time. */
  async newChanges(): Promise<string[]> {
    const calls = (await this.pc.calls()).slice(this.#seen);
    this.#seen += calls.length;
    return calls.filter((call) => !/^(GetBestRoute2|IpRenewAddress|CM_)/.test(call));
  }

  /** Waits until these calls, and no others, have changed something. */
  async changed(...wanted: string[]): Promise<void> {
    const before = this.#seen;
    await eventually(wanted.at(-1) ?? "nothing", async () => {
      this.#seen = before;
      return (await this.newChanges()).length >= wanted.length;
    }, 20_000);
    this.#seen = before;
    assertEquals(await this.newChanges(), wanted);
  }

  /** What programs have added to the PC's routes and not taken away, or taken of its own. */
  async leftRoutes(): Promise<string[]> {
    return (await this.pc.setOfNetwork()).filter((line) => /^(added|removed) /.test(line));
  }

  /** How often it was looked which way leads to a relay. */
  async looks(relay: string): Promise<number> {
    return (await this.pc.calls()).filter((call) => call === `GetBestRoute2 ${relay}`).length;
  }

  /** Ends the client by Ctrl-C. */
  async end(): Promise<void> {
    this.client.kill("SIGINT");
    assertEquals(await this.client.waitExit(15_000), 0);
  }
}
