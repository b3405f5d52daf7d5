/**
 * Finds the DHCP client to use on this system, and how it is to be used.
 *
 * @module
 */

import type { Command, DhcpClient, DhcpClientKind, DhcpPlan, DhcpTask } from "./plan.ts";
import { planDhclient, planDhcpcd, planUdhcpc } from "./programs.ts";
import { ENVIRONMENT } from "./session.ts";
import { planNetworkd, planNetworkManager } from "./services.ts";

const ORDER: readonly DhcpClientKind[] = [
  "udhcpc",
  "dhcpcd",
  "dhclient",
  "busybox",
  "NetworkManager",
  "networkd",
];
/** Where system programs are, also when a user's PATH leaves them out. */
const SYSTEM_FOLDERS = [
  ...["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"],
];
/** What is run for each kind, where it is not called the same. */
const PROGRAMS: Partial<Record<DhcpClientKind, string>> = {
  NetworkManager: "nmcli",
  networkd: "networkctl",
};
/** Files that say that a dhcpcd manages the whole system: another would only talk to that. */
const DHCPCD_PID_FILES = ["/run/dhcpcd/pid", "/run/dhcpcd.pid"];
/** It is there while systemd-networkd runs. */
const NETWORKD_STATE_FILE = "/run/systemd/netif/state";

/** Questions about the system, replaceable in tests. */
export interface DhcpSearch {
  isFile(path: string): boolean;
  /** Whether a program ends with 0. */
  succeeds(command: Command): boolean;
}

/**
 * The DHCP client to use: udhcpc, which does nothing but DHCP, before programs that also manage
 * interfaces, busybox, which is there on many systems for other reasons, and services. `undefined`:
 * there is none.
 */
export function findDhcpClient(
  search: DhcpSearch = SYSTEM_SEARCH,
  kinds: readonly DhcpClientKind[] = ORDER,
): DhcpClient | undefined {
  for (const kind of kinds) {
    for (const folder of SYSTEM_FOLDERS) {
      const path = `${folder}/${PROGRAMS[kind] ?? kind}`;
      if (search.isFile(path) && isUsable(kind, path, search)) return { kind, path };
    }
  }
  return undefined;
}

function isUsable(kind: DhcpClientKind, path: string, search: DhcpSearch): boolean {
  switch (kind) {
    case "busybox":
      // It may be built without the applet.
      return search.succeeds([path, "udhcpc", "--help"]);
    case "dhcpcd":
      return !DHCPCD_PID_FILES.some((file) => search.isFile(file));
    case "NetworkManager":
      // It fails if the service does not run.
      return search.succeeds([path, "general", "status"]);
    case "networkd":
      return search.isFile(NETWORKD_STATE_FILE);
    default:
      return true;
  }
}

const SYSTEM_SEARCH: DhcpSearch = {
  isFile(path) {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  },
  succeeds(command) {
    const [path, ...args] = command;
    const own = { clearEnv: true, env: ENVIRONMENT };
    return new Deno.Command(path, { args, ...own, stdin: "null", stdout: "null", stderr: "null" })
      .outputSync().success;
  },
};

/** Whether AppArmor confines this machine's dhclient, so that it can run no script of ours. */
export function isDhclientConfined(
  read: (path: string) => string = Deno.readTextFileSync,
): boolean {
  try {
    return /^[^\n]*dhclient[^\n]* \(enforce\)$/m.test(
      read("/sys/kernel/security/apparmor/profiles"),
    );
  } catch {
    return false;
  }
}

/** How a task is carried out by its client. */
export function planDhcp(task: DhcpTask): DhcpPlan {
  switch (task.client.kind) {
    case "udhcpc":
    case "busybox":
      return planUdhcpc(task);
    case "dhcpcd":
      return planDhcpcd(task);
    case "dhclient":
      return planDhclient(task);
    case "NetworkManager":
      return planNetworkManager(task);
    case "networkd":
      return planNetworkd(task);
  }
}
