/**
 * The systemd unit of a gateway, for this very executable and options.
 *
 * @module
 */
import {
  formatCredentials,
  formatSandbox,
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
 * What the service may do beside what relay and gateway may: it reads and writes frames
 * (CAP_NET_RAW), and sets offloads and makes a port at a bridge (CAP_NET_ADMIN, /dev/net/tun).
 */
const SANDBOX = formatSandbox({
  stateDirectory: "lanparty-gateway",
  capabilities: "CAP_NET_RAW CAP_NET_ADMIN",
  devices: "DevicePolicy=closed\nDeviceAllow=/dev/net/tun rw",
  addressFamilies: "AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX",
});

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
