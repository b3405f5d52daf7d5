/**
 * What the systemd units of relay and gateway share.
 *
 * @module
 */

const MIB = 1_024 * 1_024;

/**
 * One process: 125 MiB at rest (docs/LOAD.md), the 64 MiB of its buffers as soon as all of them have been
 * used, and the runtime's heap between two collections.
 */
export const PROCESS_BYTES: number = 256 * MIB;
/**
 * Threads of one process: the main one, up to 16 of V8's and 32 of the runtime's for files and names, which are
 * started as they are needed, and a few more.
 */
export const PROCESS_TASKS = 64;

/**
 * `MemoryMax=` and `TasksMax=` of a service (systemd.resource-control(5)): what its options let strangers take, and
 * no more, so that a fault ends the service and not the machine.
 */
export interface UnitLimits {
  readonly memoryBytes: number;
  readonly tasks: number;
}

/** The two lines. */
export function formatUnitLimits({ memoryBytes, tasks }: UnitLimits): string {
  return `MemoryMax=${Math.ceil(memoryBytes / MIB)}M\nTasksMax=${tasks}`;
}

/**
 * A service that fails is started again for as long as it takes: its interface or address may come late, and
 * systemd's own bound (5 failures in 10 s) would end it for good. What its command line says wrong (exit code 2)
 * does not get better by itself.
 */
export const UNIT_RESTARTS = {
  unit: "StartLimitIntervalSec=0",
  service: "Restart=on-failure\nRestartSec=2\nRestartPreventExitStatus=2",
} as const;

/** In what the sandboxes differ; the values are those of systemd.exec(5). */
export interface UnitSandbox {
  /** Below /var/lib. */
  readonly stateDirectory: string;
  /** Separated by spaces. */
  readonly capabilities: string;
  /** Whole lines: which devices there are. */
  readonly devices: string;
  /** Of its sockets, separated by spaces. */
  readonly addressFamilies: string;
}

/** What a service may do, and what it is kept from; see systemd.exec(5). */
export function formatSandbox(
  { stateDirectory, capabilities, devices, addressFamilies }: UnitSandbox,
): string {
  return `DynamicUser=yes
StateDirectory=${stateDirectory}
StateDirectoryMode=0700
UMask=0077
AmbientCapabilities=${capabilities}
CapabilityBoundingSet=${capabilities}
NoNewPrivileges=yes
${devices}
PrivateMounts=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
ProcSubset=pid
RemoveIPC=yes
LockPersonality=yes
RestrictAddressFamilies=${addressFamilies}
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM`;
}

/** A file that systemd reads as root and gives to the service alone. */
export interface UnitCredential {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

/** The lines of credentials (systemd.exec(5)), each with its end. */
export function formatCredentials(credentials: readonly UnitCredential[]): string {
  return credentials.map(({ name, path }) =>
    `LoadCredential=${name}:${path.replaceAll("%", "%%")}\n`
  ).join("");
}

/** A word of `ExecStart=`, so that systemd finds it as it is (systemd.service(5), "Command lines"). */
export function quoteForUnit(word: string): string {
  const expanded = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w%$+,./:=@[\]-]+$/.test(expanded)) return expanded;
  const escaped = expanded.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `"${escaped}"`;
}

/** Folders of which a service sees nothing, or an empty one of its own. */
const HIDDEN = /^\/(home|root|run\/user|tmp|var\/tmp)\//;

/** Whether the sandbox hides a path. */
export function isHiddenFromService(path: string): boolean {
  return HIDDEN.test(path);
}
