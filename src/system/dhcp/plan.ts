/**
 * What a DHCP client is to do, and how: values that `dhcp_programs.ts` and `dhcp_services.ts` make
 * and `dhcp_program.ts` and `dhcp_service.ts` carry out.
 *
 * @module
 */

/** A DHCP client program, found on this system. */
export interface DhcpClient {
  readonly kind: DhcpClientKind;
  readonly path: string;
}

/** `busybox`: the same as `udhcpc`, called as `busybox udhcpc`. The last two are services. */
export type DhcpClientKind =
  | "udhcpc"
  | "dhcpcd"
  | "dhclient"
  | "busybox"
  | "NetworkManager"
  | "networkd";

/** What a client is to do. */
export interface DhcpTask {
  readonly client: DhcpClient;
  readonly interface: string;
  /** A folder of this task's own; programs may be run from it. */
  readonly folder: string;
  /** The name that the LAN's DHCP server is told; `undefined`: none. */
  readonly hostName: string | undefined;
  /**
   * Let the client do all that it does on an ordinary interface, with the system's own script and
   * settings: routes and name servers too.
   */
  readonly everything: boolean;
  /** dhclient only: the system's script must be used, since AppArmor allows no other. */
  readonly systemScript: boolean;
}

/** Program and arguments. */
export type Command = readonly string[];

/** A file of a client. */
export interface DhcpFile {
  readonly path: string;
  /** To be written before each start; `undefined`: the client makes it, it is only removed. */
  readonly text: string | undefined;
  readonly mode: number;
}

/** How a task is carried out. */
export type DhcpPlan = DhcpProgramPlan | DhcpServicePlan;

/** By a program of our own. */
export interface DhcpProgramPlan {
  readonly type: "program";
  /** It stays in the foreground. */
  readonly command: Command;
  readonly files: readonly DhcpFile[];
  /** Whether the system's own script is run, which may write the system's list of name servers. */
  readonly runsSystemScript: boolean;
  /** Whether the addresses that our script prints are to be set by us. */
  readonly weSetAddresses: boolean;
  /** Has a lease asked for anew: by a signal, or by starting the client again. */
  readonly renewSignal: Deno.Signal | "restart";
  /** Has the lease given back and the client ended: by a signal, or by a command. */
  readonly release: Deno.Signal | Command;
}

/** By a service of the system's, which is told by commands. */
export interface DhcpServicePlan {
  readonly type: "service";
  readonly files: readonly DhcpFile[];
  /** Undoes what an earlier run may have left; each may fail. */
  readonly clean: readonly Command[];
  readonly start: readonly Command[];
  readonly renew: readonly Command[];
  /** Each may fail; run when the files are removed. */
  readonly stop: readonly Command[];
}
