/**
 * Letting the LAN in, where the player has agreed to it: an adapter without a router counts as a public network,
 * where a firewall lets nobody reach a game that the player hosts.
 *
 * @module
 */

import { inboundScopes, openPorts } from "./inbound_rules.ts";

/** A rule of the firewall's for one adapter. */
export interface InboundAccessRule {
  readonly name: string;
  readonly description: string;
  readonly interfaceName: string;
  readonly traffic:
    | { readonly protocol: "TCP" | "UDP"; readonly ports: string }
    | { readonly protocol: "ICMPv4" | "ICMPv6"; readonly types: string };
  readonly remoteAddresses: string;
}

/** What is needed of a firewall. What fails is thrown as an error that `failureOf` has words for. */
export interface InboundFirewall {
  /** Adds a rule; one of the same name is replaced. */
  addRule(rule: InboundAccessRule): void;
  /** What it does on networks that nobody has said anything of. */
  state(kind: "public"): {
    readonly enabled: boolean;
    readonly blocksAll: boolean;
    readonly takesRules: boolean;
  };
  failureOf(error: unknown): string | undefined;
}

/** Who hears of it. */
export interface InboundListener {
  /** A rule is made for the first time: it is to be written down before, and taken back at the end. */
  firstRule(name: string, make: () => void): void;
  say(level: "info" | "warning", text: string): void;
}

/** Whom the LAN is let in by. */
export interface InboundAdapter {
  readonly name: string;
  readonly guid: string;
}

/** An adapter's rules: the ends of their names, and what each lets in. */
const RULES = [
  ["TCP", "TCP"],
  ["UDP", "UDP"],
  ["ping", "ICMPv4"],
  ["ping6", "ICMPv6"],
] as const;

/** Echo requests, whatever their code (RFC 792, RFC 4443): a ping is the first thing that is tried. */
const ECHO = { ICMPv4: "8:*", ICMPv6: "128:*" } as const;

/** The name of an adapter's rule: it is replaced, never doubled, and found again after a crash. */
export function inboundRuleName(guid: string, suffix: string): string {
  return `lanparty-client ${guid} ${suffix}`;
}

/** Whether a text is the name of such a rule, or of the one that earlier clients made. */
export function isInboundRuleName(text: string): boolean {
  const guid = /^lanparty-client \{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}/.exec(text);
  if (guid === null) return false;
  const rest = text.slice(guid[0].length);
  return rest === "" || RULES.some(([suffix]) => rest === ` ${suffix}`);
}

/** The rules for one adapter, which follow its addresses. The party goes on without them. */
export class InboundAccess {
  readonly #firewall: InboundFirewall;
  readonly #listener: InboundListener;
  readonly #adapter: InboundAdapter;
  readonly #ports: readonly number[];
  readonly #made = new Set<string>();
  #scopes = "";
  #isSaid = false;

  /** @param ports that are open although the system's own services listen there */
  constructor(
    firewall: InboundFirewall,
    listener: InboundListener,
    adapter: InboundAdapter,
    ports: readonly number[],
  ) {
    this.#firewall = firewall;
    this.#listener = listener;
    this.#adapter = adapter;
    this.#ports = ports;
  }

  /**
   * Lets in what comes by the adapter from its own networks. What goes wrong is said and no more.
   *
   * @param addresses those of the adapter, such as `10.77.0.5/24`
   */
  update(addresses: readonly string[]): void {
    const scopes = inboundScopes(addresses);
    if (scopes === this.#scopes) return;
    this.#scopes = scopes;
    try {
      for (const [suffix, protocol] of RULES) this.#setRule(suffix, protocol, scopes);
      if (!this.#isSaid) this.#saySuccess();
    } catch (error) {
      const failure = this.#firewall.failureOf(error);
      if (failure === undefined) throw error;
      this.#listener.say(
        "warning",
        `Windows' firewall took no rule (${failure}): others may not reach games that you host`,
      );
    }
    this.#isSaid = true;
  }

  /** One of the same name is replaced; it stands in the journal already then. */
  #setRule(suffix: string, protocol: (typeof RULES)[number][1], remoteAddresses: string): void {
    const { name: interfaceName, guid } = this.#adapter;
    const name = inboundRuleName(guid, suffix);
    const traffic = protocol === "TCP" || protocol === "UDP"
      ? { protocol, ports: openPorts(protocol, this.#ports) }
      : { protocol, types: ECHO[protocol] };
    const description =
      `Lets the LAN party reach this PC by the adapter "${interfaceName}" alone. ` +
      "Made by lanparty-client --allow-inbound, which removes it when it ends.";
    const rule = { name, description, interfaceName, traffic, remoteAddresses };
    if (this.#made.has(name)) return this.#firewall.addRule(rule);
    this.#listener.firstRule(name, () => this.#firewall.addRule(rule));
    this.#made.add(name);
  }

  #saySuccess(): void {
    const { enabled, blocksAll, takesRules } = this.#firewall.state("public");
    const isVain = enabled && (blocksAll || !takesRules);
    this.#listener.say(
      isVain ? "warning" : "info",
      isVain
        ? "The LAN cannot reach this PC: its firewall is set to let nobody in, whatever the rules"
        : `The LAN may reach this PC by the adapter "${this.#adapter.name}" until the client ends, ` +
          "apart from what Windows itself listens for",
    );
  }
}
