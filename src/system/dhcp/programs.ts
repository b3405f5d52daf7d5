/**
 * The DHCP clients that are programs, and how each is made to give one interface an address and
 * nothing else: no default route, no name servers, no host name, no MTU.
 *
 * They run a script of ours for every event, in place of the system's: it only prints what happened.
 * The exception is a dhclient that AppArmor lets run no script but the system's own.
 *
 * @module
 */

import type { DhcpFile, DhcpProgramPlan, DhcpTask } from "./plan.ts";

/** What the lines of our script begin with. */
export const DHCP_LINE_PREFIX = "lanparty-dhcp";

const SCRIPT_MODE = 0o700;
const FILE_MODE = 0o600;

function line(event: string, address: string, mask: string, server: string, lease: string): string {
  const words = `${event} ip=${address} mask=${mask} server=${server} seconds=${lease}`;
  return `#!/bin/sh\necho "${DHCP_LINE_PREFIX} ${words}"\nexit 0\n`;
}

/** busybox: `udhcpc --help`, and networking/udhcp/dhcpc.c for the script's variables. */
export function planUdhcpc(task: DhcpTask): DhcpProgramPlan {
  const script = `${task.folder}/udhcpc-script`;
  const text = line("$1", "$ip", "$mask", "$serverid", "$lease");
  const own = ["-o", "-O", "subnet", "-O", "broadcast", "-s", script];
  return {
    type: "program",
    command: [
      task.client.path,
      ...(task.client.kind === "busybox" ? ["udhcpc"] : []),
      ...["-f", "-R", "-i", task.interface],
      // Four questions 2 s apart, then a rest of 5 s: a gateway may come late to the party.
      ...["-t", "4", "-T", "2", "-A", "5"],
      ...(task.hostName === undefined ? [] : ["-x", `hostname:${task.hostName}`]),
      ...(task.everything ? [] : own),
    ],
    files: task.everything ? [] : [{ path: script, text, mode: SCRIPT_MODE }],
    runsSystemScript: task.everything,
    weSetAddresses: !task.everything,
    renewSignal: "SIGUSR1",
    release: "SIGTERM",
  };
}

/** https://roy.marples.name/archives/dhcpcd — dhcpcd(8), dhcpcd-run-hooks(8). */
export function planDhcpcd(task: DhcpTask): DhcpProgramPlan {
  const script = `${task.folder}/dhcpcd-script`;
  const text = line(
    "$reason",
    "$new_ip_address",
    "$new_subnet_cidr",
    "$new_dhcp_server_identifier",
    "$new_dhcp_lease_time",
  );
  // It keeps what it was leased last, by the adapter's name, and nobody else has an adapter of that name.
  const lease = { path: `/var/lib/dhcpcd/${task.interface}.lease`, text: undefined, mode: 0o644 };
  const own = ["-G", "-f", "/dev/null", "-c", script, "-o", "dhcp_lease_time"];
  return {
    type: "program",
    command: [
      task.client.path,
      // In the foreground, IPv4 only, no link-local address, no 5 s of ARP probes.
      ...["-B", "-4", "-L", "-A"],
      ...(task.hostName === undefined ? [] : ["-h", task.hostName]),
      ...(task.everything ? [] : own),
      task.interface,
    ],
    files: [lease, ...(task.everything ? [] : [{ path: script, text, mode: SCRIPT_MODE }])],
    runsSystemScript: task.everything,
    weSetAddresses: false,
    // Rebind: a broadcast request, which also a LAN that is not the old one answers.
    renewSignal: "SIGHUP",
    release: "SIGALRM",
  };
}

/** dhclient(8), dhclient.conf(5), dhclient-script(8). */
export function planDhclient(task: DhcpTask): DhcpProgramPlan {
  const script = `${task.folder}/dhclient-script`;
  const text = line(
    "$reason",
    "$new_ip_address",
    "$new_subnet_mask",
    "$new_dhcp_server_identifier",
    "$new_dhcp_lease_time",
    // An old lease that no server confirmed (reason TIMEOUT) is not to be used.
  ).replace("exit 0", `[ "$reason" != TIMEOUT ]`);
  // Where AppArmor lets a dhclient read and write: /run/dhclient*.lease*, /run/dhclient*.pid.
  const base = task.systemScript
    ? `/run/dhclient-lanparty-${task.interface}`
    : `${task.folder}/dhclient`;
  const configuration = `${base}.lease-conf`;
  const ownScript = !task.everything && !task.systemScript;
  const flags = [
    ...["-4", "-cf", configuration, "-lf", `${base}.leases`, "-pf", `${base}.pid`],
    ...(ownScript ? ["-sf", script] : []),
  ];
  // The last two are dhclient's own: they start empty and are removed with the others.
  const files: DhcpFile[] = [
    { path: configuration, text: dhclientConfiguration(task), mode: FILE_MODE },
    { path: `${base}.leases`, text: undefined, mode: FILE_MODE },
    { path: `${base}.pid`, text: undefined, mode: FILE_MODE },
  ];
  if (ownScript) files.push({ path: script, text, mode: SCRIPT_MODE });
  return {
    type: "program",
    command: [task.client.path, "-d", ...flags, task.interface],
    files,
    runsSystemScript: !ownScript,
    weSetAddresses: ownScript,
    renewSignal: "restart",
    release: [task.client.path, "-r", ...flags, task.interface],
  };
}

/** Quick first questions, patience afterwards; and what the system's script is not to see. */
function dhclientConfiguration(task: DhcpTask): string {
  const timing = "timeout 20; retry 5; reboot 2; initial-interval 1; backoff-cutoff 4;";
  const hostName = task.hostName === undefined ? "" : `send host-name "${task.hostName}";\n`;
  if (task.everything) return `${timing}\n${hostName}`;
  const request = "request subnet-mask, broadcast-address;";
  // Without these the script would write a resolv.conf of search domains only, or set this PC's name.
  const hidden = ["domain-name", "domain-search", "host-name"];
  const supersede = task.systemScript
    ? hidden.map((option) => `supersede ${option} "";\n`).join("")
    : "";
  return `${timing}\n${request}\n${hostName}${supersede}`;
}

/** What a line of our script says. */
export type DhcpReport =
  | {
    readonly type: "lease";
    readonly address: string;
    readonly server: string | undefined;
    readonly leaseSeconds: number | undefined;
  }
  | { readonly type: "lost" };

const LEASE_EVENTS = ["bound", "renew", "BOUND", "RENEW", "REBIND", "REBOOT", "INFORM"];
const LOST_EVENTS = [
  "deconfig",
  "nak",
  "EXPIRE",
  "FAIL",
  "RELEASE",
  "NAK",
  "STOP",
  "STOPPED",
  "NOCARRIER",
];
const LINE = new RegExp(
  `^${DHCP_LINE_PREFIX} (\\S+) ip=(\\S*) mask=(\\S*) server=(\\S*) seconds=([0-9]*)$`,
);
const IPV4 = /^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$/;

/** Reads a line of our script; `undefined` for events that change nothing and for other lines. */
export function parseDhcpLine(line: string): DhcpReport | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, event, address, mask, server, seconds] = match;
  if (LOST_EVENTS.includes(event)) return { type: "lost" };
  if (!LEASE_EVENTS.includes(event) || !IPV4.test(address)) return undefined;
  const prefixBits = parseMask(mask);
  if (prefixBits === undefined) return undefined;
  return {
    type: "lease",
    address: `${address}/${prefixBits}`,
    server: IPV4.test(server) ? server : undefined,
    leaseSeconds: seconds === "" ? undefined : Number(seconds),
  };
}

/** A mask as prefix length or in dotted form; a mask with holes is none. */
function parseMask(text: string): number | undefined {
  if (/^[0-9]{1,2}$/.test(text)) {
    const bits = Number(text);
    return bits >= 1 && bits <= 32 ? bits : undefined;
  }
  if (!IPV4.test(text)) return undefined;
  const value = text.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  for (let bits = 1; bits <= 32; bits++) {
    if (value === 2 ** 32 - 2 ** (32 - bits)) return bits;
  }
  return undefined;
}
