/**
 * The services that manage a Linux system's network, as DHCP clients for one interface.
 *
 * They are only asked where there is no DHCP client program. Neither gives a lease back when it is
 * told to stop (NetworkManager before 1.48, networkd 252): there it runs out by itself.
 *
 * @module
 */

import type { DhcpServicePlan, DhcpTask } from "./plan.ts";

/** Worse than every other connection's: its names are asked last, if at all. */
const DNS_PRIORITY = "32767";
/** NetworkManager's connection must be up, i.e. have its address, so soon. */
const ACTIVATION_SECONDS = "30";
const FILE_MODE = 0o644;

/**
 * A connection of type `tun` that takes over the TAP. It is kept in memory only, and so gone with
 * the service at the latest.
 *
 * https://networkmanager.dev/docs/api/latest/nmcli.html, nm-settings-nmcli.html
 */
export function planNetworkManager(task: DhcpTask): DhcpServicePlan {
  const nmcli = task.client.path;
  const id = `lanparty-${task.interface}`;
  const up = [nmcli, "--wait", ACTIVATION_SECONDS, "connection", "up", "id", id];
  const own = [
    ...["ipv4.never-default", "yes", "ipv4.ignore-auto-routes", "yes"],
    ...["ipv4.ignore-auto-dns", "yes", "ipv4.dns-priority", DNS_PRIORITY],
  ];
  const remove = [nmcli, "connection", "delete", "id", id];
  return {
    type: "service",
    files: [],
    clean: [remove],
    start: [
      [nmcli, "device", "set", task.interface, "managed", "yes"],
      [
        ...[nmcli, "connection", "add", "save", "no", "type", "tun", "mode", "tap"],
        ...["con-name", id, "ifname", task.interface, "autoconnect", "no"],
        ...["ipv4.method", "auto", "ipv4.may-fail", "no", "ipv6.method", "ignore"],
        ...(task.hostName === undefined
          ? ["ipv4.dhcp-send-hostname", "no"]
          : ["ipv4.dhcp-hostname", task.hostName]),
        ...(task.everything ? [] : own),
      ],
      [...up, "ifname", task.interface],
    ],
    renew: [[...up, "ifname", task.interface]],
    stop: [remove],
  };
}

/** A file for the TAP in the folder that is empty after each start of the system: networkd(8). */
export function planNetworkd(task: DhcpTask): DhcpServicePlan {
  const networkctl = task.client.path;
  const use = task.everything ? "yes" : "no";
  const text = [
    "[Match]",
    `Name=${task.interface}`,
    "[Link]",
    "RequiredForOnline=no",
    "[Network]",
    "DHCP=ipv4",
    "[DHCPv4]",
    `UseRoutes=${use}`,
    `UseGateway=${use}`,
    `UseDNS=${use}`,
    `UseDomains=${use}`,
    ...["NTP", "SIP", "Hostname", "MTU", "Timezone"].map((what) => `Use${what}=no`),
    ...(task.hostName === undefined ? ["SendHostname=no"] : [`Hostname=${task.hostName}`]),
    "SendRelease=yes",
    "[IPv6AcceptRA]",
    `UseDNS=${use}`,
    `UseDomains=${use}`,
    "",
  ].join("\n");
  const path = `/run/systemd/network/10-lanparty-${task.interface}.network`;
  return {
    type: "service",
    files: [{ path, text, mode: FILE_MODE }],
    clean: [],
    start: [[networkctl, "reload"]],
    renew: [[networkctl, "renew", task.interface]],
    stop: [[networkctl, "reload"]],
  };
}
