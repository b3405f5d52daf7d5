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
      'This PC\'s firewall ({firewalls}) lets the LAN in by "{adapter}" until the client ends, apart from a few ' +
      "ports that stay shut.",
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
    advice: "Let in by hand, with the port of your game in the place of PORT: {commands}.",
  },
  "shut-by-routes": {
    what:
      'What the LAN sends unasked does not come in: this PC expects the LAN\'s addresses by "{elsewhere}" ' +
      "(rp_filter).",
    advice:
      'Leave the network of "{elsewhere}" while you play: both networks have the same addresses.',
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
  /** The interface by which this PC expects the LAN's addresses, which it takes by no other; undefined: no such thing. */
  readonly elsewhere?: string;
}

/**
 * How each is told by hand to let in what comes by an adapter: to a game's port alone, since `--allow-inbound` leaves
 * others shut, too.
 */
const BY_HAND: Readonly<Record<string, (adapter: string) => string>> = {
  ufw: (adapter) => `ufw allow in on ${adapter} to any port PORT`,
  firewalld: (adapter) =>
    `firewall-cmd --zone=block --change-interface=${adapter} && firewall-cmd --zone=block --add-port=PORT/udp`,
  iptables: (adapter) => `iptables -I INPUT -i ${adapter} -p udp --dport PORT -j ACCEPT`,
  nftables: (adapter) =>
    `a rule iifname "${adapter}" udp dport PORT accept at the head of its input chain`,
};

/** A state in words; the advice is for whoever has a problem. */
export function inboundSentence(state: InboundState): Sentence {
  const { isOpen, isAllowed, adapter, firewalls, failures, elsewhere } = state;
  const values = { adapter, firewalls: firewalls.join(" and ") };
  const isKnown = firewalls.length > 0;
  if (isOpen && !isAllowed) return INBOUND_SENTENCES.open;
  if (isOpen) {
    return isKnown
      ? fillSentence(INBOUND_SENTENCES.opened, values)
      : INBOUND_SENTENCES["nothing-to-open"];
  }
  if (elsewhere !== undefined) {
    return fillSentence(INBOUND_SENTENCES["shut-by-routes"], { elsewhere });
  }
  if (!isKnown) return INBOUND_SENTENCES["shut-by-nobody-known"];
  if (!isAllowed) return fillSentence(INBOUND_SENTENCES.shut, values);
  return fillSentence(INBOUND_SENTENCES["shut-all-the-same"], {
    ...values,
    why: failures.length === 0 ? "its rules have no effect" : failures.join("; "),
    commands: firewalls.flatMap((name) => BY_HAND[name]?.(adapter) ?? []).join("; "),
  });
}
