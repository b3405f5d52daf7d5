/** The systemd unit of a relay, for this very executable and options. */
import { RELAY_DEFAULTS } from "../../relay/limits.ts";
import { formatUnitLimits, relayUnitLimits, type UnitLimits } from "./unit_limits.ts";

const DEFAULT_LIMITS = relayUnitLimits({ ...RELAY_DEFAULTS, reactors: 1 });

/** Where the service keeps its state; systemd makes it, for the user that it makes up. */
const STATE_FOLDER = "/var/lib/lanparty-relay";

/** What the service may do, and what it is kept from; see systemd.exec(5). */
const SANDBOX = `DynamicUser=yes
StateDirectory=lanparty-relay
StateDirectoryMode=0700
UMask=0077
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
PrivateDevices=yes
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
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM`;

/**
 * certbot's folders are root's alone, so a hook copies the pair, owned by the service's user. The first
 * run is before the first start, when the folder is not there: systemd then takes it over.
 */
const DEPLOY_HOOK = `#!/bin/sh
set -eu
folder=${STATE_FOLDER}
[ -d "$folder" ] || mkdir -m 0700 "$folder"
owner=$(stat -L -c %u "$folder")
for name in fullchain privkey; do
  install -m 0400 -o "$owner" "$RENEWED_LINEAGE/$name.pem" "$folder/$name.pem.new"
  mv "$folder/$name.pem.new" "$folder/$name.pem"
done
systemctl try-reload-or-restart lanparty-relay.service`;

/**
 * A service that fails is started again for as long as it takes: its interface or address may come late, and
 * systemd's own bound (5 failures in 10 s) would end it for good. What its command line says wrong (exit code 2)
 * does not get better by itself.
 */
export const UNIT_RESTARTS = {
  unit: "StartLimitIntervalSec=0",
  service: "Restart=on-failure\nRestartSec=2\nRestartPreventExitStatus=2",
} as const;

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

/**
 * The unit's text.
 *
 * @param executable an absolute path
 * @param args the relay's options as it is to be started with them
 * @param limits what follows from these
 */
export function formatUnit(
  executable: string,
  args: readonly string[],
  credentials: readonly UnitCredential[] = [],
  limits: UnitLimits = DEFAULT_LIMITS,
): string {
  return `# Install: lanparty-relay unit [options] > /etc/systemd/system/lanparty-relay.service
#          systemctl daemon-reload && systemctl enable --now lanparty-relay
[Unit]
Description=lanparty relay
Wants=network-online.target
After=network-online.target
${UNIT_RESTARTS.unit}

[Service]
Type=notify
ExecStart=${[executable, ...args].map(quoteForUnit).join(" ")}
${formatCredentials(credentials)}ExecReload=/bin/kill -HUP $MAINPID
${UNIT_RESTARTS.service}
TimeoutStopSec=5
WatchdogSec=30
LimitNOFILE=65536
# What --reactors, --max-connections, --max-peers and --max-peers-per-room let strangers take, with everything full at
# once: beyond that something is wrong, and the relay is ended and started again, not the machine. Print this unit
# anew when they change; lower ones need less.
${formatUnitLimits(limits)}
# V8 compiles as it runs (no MemoryDenyWriteExecute), and port 443 is the host's (no PrivateUsers).
${SANDBOX}

[Install]
WantedBy=multi-user.target

# A file of LoadCredential= is read at each start: after a change systemctl restart lanparty-relay.
# With a certificate of certbot's, which changes often, print this unit with
#   --cert ${STATE_FOLDER}/fullchain.pem --key ${STATE_FOLDER}/privkey.pem
# and have certbot copy each new pair there: nobody is disconnected then. This hook does it; to install it:
#   hook=/etc/letsencrypt/renewal-hooks/deploy/lanparty-relay
#   lanparty-relay unit | sed -n 's/^#| \\{0,1\\}//p' > $hook && chmod 0755 $hook
# For the first pair: RENEWED_LINEAGE=/etc/letsencrypt/live/NAME $hook
${DEPLOY_HOOK.replaceAll(/^/gm, "#| ")}
`;
}

/** A word of `ExecStart=`, so that systemd finds it as it is (systemd.service(5), "Command lines"). */
export function quoteForUnit(word: string): string {
  const expanded = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[\w%$+,./:=@[\]-]+$/.test(expanded)) return expanded;
  const escaped = expanded.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `"${escaped}"`;
}

/** Whether a path is in a folder that the service has for itself, where a file may change while it runs. */
export function isServiceOwn(path: string): boolean {
  return path.startsWith(`${STATE_FOLDER}/`);
}

/** Folders of which a service sees nothing, or an empty one of its own. */
const HIDDEN = /^\/(home|root|run\/user|tmp|var\/tmp)\//;

/** Whether the sandbox hides a path. */
export function isHiddenFromService(path: string): boolean {
  return HIDDEN.test(path);
}
