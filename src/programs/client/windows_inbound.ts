/**
 * Letting the LAN in: an adapter without a router counts as a public network, where Windows' firewall
 * lets nobody reach a game that the player hosts.
 */
import { inboundScopes, openPorts } from "../../client/inbound_rules.ts";
import { FirewallConstant } from "../../ffi/windows_firewall.ts";
import { addInboundRule, firewallState, type InboundTraffic } from "../../system/firewall/mod.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import type { TapAdapter } from "../../link/tap_windows_adapters.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { INBOUND_RULES, inboundRuleName, type WindowsChanges } from "./windows_changes.ts";

/** Echo requests, whatever their code (RFC 792, RFC 4443): a ping is the first thing that is tried. */
const ECHO = { ICMPv4: "8:*", ICMPv6: "128:*" } as const;

/** The rules for one adapter, which follow its addresses. The party goes on without them. */
export class WindowsInbound {
  private scopes = "";
  private readonly made = new Set<string>();
  private isSaid = false;

  /** @param ports that are open although Windows' own services listen there */
  constructor(
    private readonly changes: WindowsChanges,
    private readonly adapter: TapAdapter,
    private readonly ports: readonly number[],
    private readonly logger: Logger,
  ) {}

  /**
   * Lets in what comes by the adapter from its own networks. What goes wrong is said and no more.
   *
   * @param addresses those of the adapter, such as `10.77.0.5/24`
   */
  update(addresses: readonly string[]): void {
    const scopes = inboundScopes(addresses);
    if (scopes === this.scopes) return;
    this.scopes = scopes;
    try {
      for (const [suffix, protocol] of INBOUND_RULES) this.setRule(suffix, protocol, scopes);
      if (!this.isSaid) this.saySuccess();
    } catch (error) {
      if (!(error instanceof WindowsError)) throw error;
      const text =
        `Windows' firewall took no rule (${error.message}): others may not reach games ` +
        "that you host";
      logText(this.logger, "warning", text);
    }
    this.isSaid = true;
  }

  /** One of the same name is replaced; it stands in the journal already then. */
  private setRule(suffix: string, protocol: InboundTraffic["protocol"], scopes: string): void {
    const { name: interfaceName, guid } = this.adapter;
    const name = inboundRuleName(guid, suffix);
    const traffic: InboundTraffic = protocol === "TCP" || protocol === "UDP"
      ? { protocol, ports: openPorts(protocol, this.ports) }
      : { protocol, types: ECHO[protocol] };
    const description =
      `Lets the LAN party reach this PC by the adapter "${interfaceName}" alone. ` +
      "Made by lanparty-client --allow-inbound, which removes it when it ends.";
    const rule = { name, description, interfaceName, traffic, remoteAddresses: scopes };
    if (this.made.has(name)) return addInboundRule(rule);
    this.changes.make("windows-inbound", name, () => addInboundRule(rule));
    this.made.add(name);
  }

  private saySuccess(): void {
    const { enabled, blocksAll, takesRules } = firewallState(
      FirewallConstant.NET_FW_PROFILE2_PUBLIC,
    );
    const isVain = enabled && (blocksAll || !takesRules);
    logText(
      this.logger,
      isVain ? "warning" : "info",
      isVain
        ? "The LAN cannot reach this PC: its firewall is set to let nobody in, whatever the rules"
        : `The LAN may reach this PC by the adapter "${this.adapter.name}" until the client ends, ` +
          "apart from what Windows itself listens for",
    );
  }
}
