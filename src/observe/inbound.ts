/**
 * Whether this PC's own firewall lets the LAN in: one value, which log, status file and doctor say alike.
 *
 * @module
 */
import { fillSentence, type Sentence, type SentenceTable } from "./sentences.ts";

/** All that is said of it. */
export const INBOUND_SENTENCES = {
  "opened": {
    what:
      'The LAN may reach this PC by the adapter "{adapter}" until the client ends, apart from ports that stay shut ' +
      "({firewalls}).",
  },
  "nothing-to-open": {
    what: "No firewall of this PC keeps the LAN out: --allow-inbound has changed nothing.",
  },
  "open": { what: "The LAN reaches this PC: no firewall keeps it out." },
  "shut": {
    what:
      "This PC's firewall ({firewalls}) keeps out what the LAN sends unasked: games may find nobody, and nobody can " +
      "join a game that you host.",
    advice:
      'Start lanparty-client with --allow-inbound: it lets the LAN in by "{adapter}" alone, until it ends.',
  },
  "shut-all-the-same": {
    what:
      "This PC's firewall ({firewalls}) keeps out what the LAN sends unasked, although --allow-inbound is given: {why}.",
    advice: 'Let in by hand what comes by "{adapter}": {commands}.',
  },
  "shut-by-nobody-known": {
    what: "What the LAN sends unasked does not come in, and no firewall is known here.",
  },
} as const satisfies SentenceTable;

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

/** How each is told by hand to let in what comes by an adapter. */
const BY_HAND: Readonly<Record<string, (adapter: string) => string>> = {
  ufw: (adapter) => `ufw allow in on ${adapter}`,
  firewalld: (adapter) => `firewall-cmd --zone=trusted --change-interface=${adapter}`,
  iptables: (adapter) => `iptables -I INPUT -i ${adapter} -j ACCEPT`,
  nftables: (adapter) => `a rule iifname "${adapter}" accept at the head of its input chain`,
};

/** A state in words; the advice is for whoever has a problem. */
export function inboundSentence(state: InboundState): Sentence {
  const { isOpen, isAllowed, adapter, firewalls, failures } = state;
  const values = { adapter, firewalls: firewalls.join(" and ") };
  const isKnown = firewalls.length > 0;
  if (isOpen && !isAllowed) return INBOUND_SENTENCES.open;
  if (isOpen) {
    return isKnown
      ? fillSentence(INBOUND_SENTENCES.opened, values)
      : INBOUND_SENTENCES["nothing-to-open"];
  }
  if (!isKnown) return INBOUND_SENTENCES["shut-by-nobody-known"];
  if (!isAllowed) return fillSentence(INBOUND_SENTENCES.shut, values);
  return fillSentence(INBOUND_SENTENCES["shut-all-the-same"], {
    ...values,
    why: failures.length === 0 ? "its rules have no effect" : failures.join("; "),
    commands: firewalls.flatMap((name) => BY_HAND[name]?.(adapter) ?? []).join("; "),
  });
}
