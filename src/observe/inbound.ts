/**
 * Whether this PC's own firewall lets the LAN in: one value, which log, status file and doctor say alike.
 *
 * @module
 */

/** What was found when it was tried last. */
export interface InboundState {
  /** Whether what the LAN sends unasked comes in. */
  readonly isOpen: boolean;
  /** Whether the player wants it to (`--allow-inbound`). */
  readonly isAllowed: boolean;
  /** The adapter's name. */
  readonly adapter: string;
  /** Firewalls that this PC has and that may keep something out, by name. */
  readonly firewalls: readonly string[];
  /** What went wrong when they were to let the LAN in. */
  readonly failures: readonly string[];
}

/** A state in words; the advice is for whoever has a problem. */
export interface InboundText {
  readonly text: string;
  readonly advice?: string;
}

/** How each is told by hand to let in what comes by an adapter. */
const BY_HAND: Readonly<Record<string, (adapter: string) => string>> = {
  ufw: (adapter) => `ufw allow in on ${adapter}`,
  firewalld: (adapter) => `firewall-cmd --zone=trusted --change-interface=${adapter}`,
  iptables: (adapter) => `iptables -I INPUT -i ${adapter} -j ACCEPT`,
  nftables: (adapter) => `a rule iifname "${adapter}" accept at the head of its input chain`,
};

/** See the module. */
export function inboundText(state: InboundState): InboundText {
  const { isOpen, isAllowed, adapter, firewalls, failures } = state;
  const names = firewalls.join(" and ");
  const owner = names === "" ? "" : ` (${names})`;
  if (isOpen && isAllowed) {
    return {
      text: names === ""
        ? "No firewall of this PC keeps the LAN out: --allow-inbound has changed nothing"
        : `The LAN may reach this PC by the adapter "${adapter}" until the client ends, apart from ` +
          `ports that stay shut${owner}`,
    };
  }
  if (isOpen) return { text: "The LAN reaches this PC: no firewall keeps it out" };
  const shut = `This PC's firewall${owner} keeps out what the LAN sends unasked: games may find ` +
    "nobody, and nobody can join a game that you host";
  if (names === "") {
    return { text: "What the LAN sends unasked does not come in, and no firewall is known here" };
  }
  if (!isAllowed) {
    return {
      text: shut,
      advice:
        `start lanparty-client with --allow-inbound: it lets the LAN in by "${adapter}" alone, ` +
        "until it ends",
    };
  }
  const why = failures.length === 0 ? "" : ` (${failures.join("; ")})`;
  const how = firewalls.flatMap((name) => BY_HAND[name]?.(adapter) ?? []).join("; ");
  return {
    text: `${shut}, although --allow-inbound is given${why}`,
    advice: `let in by hand what comes by "${adapter}": ${how}`,
  };
}
