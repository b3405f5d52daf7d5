/**
 * Letting the LAN in: an adapter without a router counts as a public network, where Windows' firewall
 * lets nobody reach a game that the player hosts.
 */
import { addInboundRule, FirewallConstant, firewallState } from "../ffi/windows_firewall.ts";
import { WindowsError } from "../ffi/windows_kernel.ts";
import type { TapAdapter } from "../link/tap_windows_adapters.ts";
import { type Logger, logText } from "./logging.ts";
import { inboundRuleName, type WindowsChanges } from "./windows_changes.ts";

/**
 * Lets in what comes by the adapter from the LAN. The party goes on without, so what goes wrong is
 * said and no more.
 */
export function allowInbound(changes: WindowsChanges, adapter: TapAdapter, logger: Logger): void {
  const { name, guid } = adapter;
  try {
    changes.make("windows-inbound", inboundRuleName(guid), () =>
      addInboundRule({
        name: inboundRuleName(guid),
        description: `Lets the LAN party reach this PC by the adapter "${name}" alone. Made by ` +
          "lanparty-client --allow-inbound, which removes it when it ends.",
        interfaceName: name,
      }));
    const { enabled, blocksAll, takesRules } = firewallState(
      FirewallConstant.NET_FW_PROFILE2_PUBLIC,
    );
    const isVain = enabled && (blocksAll || !takesRules);
    logText(
      logger,
      isVain ? "warning" : "info",
      isVain
        ? "The LAN cannot reach this PC: its firewall is set to let nobody in, whatever the rules"
        : `The LAN may reach this PC by the adapter "${name}" until the client ends`,
    );
  } catch (error) {
    if (!(error instanceof WindowsError)) throw error;
    const text = `Windows' firewall took no rule (${error.message}): others may not reach games ` +
      "that you host";
    logText(logger, "warning", text);
  }
}
