/** The systemd unit of a gateway, for this very executable and options. */
import {
  formatCredentials,
  formatUnitLimits,
  PROCESS_BYTES,
  PROCESS_TASKS,
  quoteForUnit,
  UNIT_RESTARTS,
  type UnitCredential,
  type UnitLimits,
} from "../common/systemd_unit.ts";

/** Where the service keeps its state. */
export const GATEWAY_STATE_FOLDER = "/var/lib/lanparty-gateway";

/** One connection, and tables that are made at its start: twice what a process takes. */
const LIMITS: UnitLimits = { memoryBytes: 2 * PROCESS_BYTES, tasks: PROCESS_TASKS };

/**
 * What the service may do, and what it is kept from; see systemd.exec(5). It reads and writes frames
 * (CAP_NET_RAW), and sets offloads and makes a port at a bridge (CAP_NET_ADMIN, /dev/net/tun).
 */
const SANDBOX = `DynamicUser=yes
StateDirectory=lanparty-gateway
StateDirectoryMode=0700
UMask=0077
AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN
CapabilityBoundingSet=CAP_NET_RAW CAP_NET_ADMIN
NoNewPrivileges=yes
DevicePolicy=closed
DeviceAllow=/dev/net/tun rw
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
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM`;

/**
 * The unit's text.
 *
 * @param executable an absolute path
 * @param args the gateway's options as it is to be started with them
 */
export function formatGatewayUnit(
  executable: string,
  args: readonly string[],
  credentials: readonly UnitCredential[] = [],
): string {
  return `# Install: lanparty-gateway unit [options] > /etc/systemd/system/lanparty-gateway.service
#          systemctl daemon-reload && systemctl enable --now lanparty-gateway
[Unit]
Description=lanparty gateway
Wants=network-online.target
After=network-online.target
${UNIT_RESTARTS.unit}

[Service]
Type=exec
ExecStart=${[executable, ...args].map(quoteForUnit).join(" ")}
${formatCredentials(credentials)}${UNIT_RESTARTS.service}
TimeoutStopSec=5
# Its memory does not grow with the party: beyond this something is wrong, and the gateway is ended and started again.
${formatUnitLimits(LIMITS)}
# V8 compiles as it runs (no MemoryDenyWriteExecute), and the interface is the host's (no PrivateUsers).
${SANDBOX}

[Install]
WantedBy=multi-user.target
`;
}
