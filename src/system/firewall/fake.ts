/**
 * A firewall in memory, for tests.
 *
 * @module
 */

import type { Firewall, FirewallState, InboundRule, NetworkKind, ProgramRule } from "./firewall.ts";

/** A firewall's failure. */
export class FakeFirewallError extends Error {
  override readonly name = "FakeFirewallError";
}

/** See the module. */
export class FakeFirewall implements Firewall {
  /** Rules by their names. */
  readonly rules = new Map<string, InboundRule>();
  readonly states: Record<NetworkKind, FirewallState> = {
    public: { enabled: true, blocksAll: false, takesRules: true },
    private: { enabled: true, blocksAll: false, takesRules: true },
    domain: { enabled: true, blocksAll: false, takesRules: true },
  };
  /** Networks that are known, by the adapter's GUID. */
  readonly networks = new Map<string, NetworkKind>();
  /** Every call fails with this text. */
  failure: string | undefined;

  addRule(rule: InboundRule): void {
    this.#mayFail();
    if (rule.name.includes("|")) throw new FakeFirewallError(`no name: ${rule.name}`);
    this.rules.set(rule.name, rule);
  }

  removeRule(name: string): void {
    this.#mayFail();
    this.rules.delete(name);
  }

  state(kind: NetworkKind): FirewallState {
    this.#mayFail();
    return this.states[kind];
  }

  networkKind(guid: string): NetworkKind | undefined {
    this.#mayFail();
    return this.networks.get(guid);
  }

  programRules(): readonly ProgramRule[] {
    this.#mayFail();
    return [];
  }

  failureOf(error: unknown): string | undefined {
    return error instanceof FakeFirewallError ? error.message : undefined;
  }

  #mayFail(): void {
    if (this.failure !== undefined) throw new FakeFirewallError(this.failure);
  }
}
