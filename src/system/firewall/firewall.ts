/**
 * A firewall that keeps a LAN out of a player's PC, as Windows has one: what others ask and tell of it. Linux' are in
 * `linux.ts`.
 *
 * @module
 */

/** What a rule lets in: ports of a protocol, such as `1-134,136`, or a message of ICMP, such as `8:*`. */
export type InboundTraffic =
  | { readonly protocol: "TCP" | "UDP"; readonly ports: string }
  | { readonly protocol: "ICMPv4" | "ICMPv6"; readonly types: string };

/** A rule that lets in what comes by one interface from some networks. */
export interface InboundRule {
  /** Without `|`, which the firewall takes apart. */
  readonly name: string;
  readonly description: string;
  /** The connection's name, as the player sees it. */
  readonly interfaceName: string;
  readonly traffic: InboundTraffic;
  /** Networks such as `10.77.0.0/24,fe80::/64`. */
  readonly remoteAddresses: string;
}

/** What a network is taken for; the firewall treats each kind as it is set for it. */
export type NetworkKind = "public" | "private" | "domain";

/** What a firewall does on networks of one kind. */
export interface FirewallState {
  readonly enabled: boolean;
  /** Whether rules that let something in are passed over. */
  readonly blocksAll: boolean;
  /** Whether what is set on this PC counts; not so where a company's policy is above it. */
  readonly takesRules: boolean;
}

/** A rule that is there, whoever has made it, for a program. */
export interface ProgramRule {
  readonly name: string;
  /** Its file, such as `C:\\Games\\quake3.exe`. */
  readonly program: string;
  readonly isEnabled: boolean;
  readonly isInbound: boolean;
  /** Whether it keeps out; else it lets in. */
  readonly isBlocking: boolean;
  /** The networks that it is for. */
  readonly kinds: readonly NetworkKind[];
}

/** What fails is thrown as an error that `failureOf` has words for. */
export interface Firewall {
  /** Adds a rule, for networks of all kinds; one of the same name is replaced. */
  addRule(rule: InboundRule): void;
  /** Removes a rule; one that is not there is removed already. */
  removeRule(name: string): void;
  state(kind: NetworkKind): FirewallState;
  /** The rules that are for programs. It can take a second. */
  programRules(): readonly ProgramRule[];
  /**
   * What the network of an adapter (by its GUID) is taken for; undefined: it is not known as a network (yet),
   * and the firewall takes it for a public one.
   */
  networkKind(guid: string): NetworkKind | undefined;
  /** What a failure says; undefined: it is no failure of the firewall's. */
  failureOf(error: unknown): string | undefined;
}
