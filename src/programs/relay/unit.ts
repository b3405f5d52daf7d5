/**
 * The systemd unit of a relay, for this very executable and options.
 *
 * @module
 */
import { RELAY_DEFAULTS } from "../../relay/limits.ts";
import {
  formatCredentials,
  formatSandbox,
  formatUnitLimits,
  quoteForUnit,
  UNIT_RESTARTS,
  type UnitCredential,
  type UnitLimits,
} from "../common/systemd_unit.ts";
import { relayUnitLimits } from "./unit_limits.ts";

const DEFAULT_LIMITS = relayUnitLimits({ ...RELAY_DEFAULTS, reactors: 1 });

/** Where the service keeps its state; systemd makes it, for the user that it makes up. */
export const RELAY_STATE_FOLDER = "/var/lib/lanparty-relay";

/** What the service may do beside what relay and gateway may: it listens on a port below 1024. */
const SANDBOX = formatSandbox({
  stateDirectory: "lanparty-relay",
  capabilities: "CAP_NET_BIND_SERVICE",
  devices: "PrivateDevices=yes",
  addressFamilies: "AF_INET AF_INET6 AF_NETLINK AF_UNIX",
});

/**
 * certbot's folders are root's alone, so a hook copies the pair, owned by the service's user. The first
 * run is before the first start, when the folder is not there: systemd then takes it over.
 */
const DEPLOY_HOOK = `#!/bin/sh
set -eu
folder=${RELAY_STATE_FOLDER}
[ -d "$folder" ] || mkdir -m 0700 "$folder"
owner=$(stat -L -c %u "$folder")
for name in fullchain privkey; do
  install -m 0400 -o "$owner" "$RENEWED_LINEAGE/$name.pem" "$folder/$name.pem.new"
  mv "$folder/$name.pem.new" "$folder/$name.pem"
done
systemctl try-reload-or-restart lanparty-relay.service`;

/**
 * The unit's text.
 *
 * @param executable an absolute path
 * @param args the relay's options as it is to be started with them
 * @param limits what follows from these
 */
export function formatRelayUnit(
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
#   --cert ${RELAY_STATE_FOLDER}/fullchain.pem --key ${RELAY_STATE_FOLDER}/privkey.pem
# and have certbot copy each new pair there: nobody is disconnected then. This hook does it; to install it:
#   hook=/etc/letsencrypt/renewal-hooks/deploy/lanparty-relay
#   lanparty-relay unit | sed -n 's/^#| \\{0,1\\}//p' > $hook && chmod 0755 $hook
# For the first pair: RENEWED_LINEAGE=/etc/letsencrypt/live/NAME $hook
${DEPLOY_HOOK.replaceAll(/^/gm, "#| ")}
`;
}
