/**
 * What a player is told when another program changes the party's network adapter: one table for log, status file and
 * doctor.
 *
 * @module
 */

import { fillSentence, type Sentence } from "./sentences.ts";

/** What of an adapter is kept as it has to be: `up`, it is switched on; `ipv6`, its own address of the link. */
export type AdapterTrait = "up" | "mac" | "mtu" | "address" | "ipv6";

/** Something of the adapter that cannot be kept, since another program has it otherwise again and again. */
export interface AdapterFault {
  readonly name: string;
  readonly trait: AdapterTrait;
  /** Programs of this system that may be the one; none: unknown. */
  readonly likely: readonly string[];
}

/** What has become of the adapter. */
export type AdapterEvent =
  /** Another program has changed it, and it is put back. */
  | {
    readonly type: "adapterRestored";
    readonly name: string;
    readonly trait: AdapterTrait;
    /** The address that was taken away. */
    readonly address?: string;
  }
  /** The other program does not leave it, and has its way. */
  | ({ readonly type: "adapterContested" } & AdapterFault)
  /** It does, after all. */
  | { readonly type: "adapterKept"; readonly name: string; readonly trait: AdapterTrait };

const WHO = "Another program";
const LEAVE_IT =
  "Have it leave {name} alone, or end it while you play; it is tried again each minute.";

/** All that is said of it: `restored`, it is put back; `contested`, {who} does not leave it; `kept`, it does, after all. */
export const ADAPTER_SENTENCES = {
  "restored-up": {
    what: `${WHO} has switched the network adapter {name} off: it is on again.`,
    advice: "To leave the party, end lanparty-client.",
  },
  "restored-mac": {
    what: `${WHO} has changed the MAC of the network adapter {name}: it is put back.`,
  },
  "restored-mtu": {
    what: `${WHO} has changed the packet size (MTU) of the network adapter {name}: it is put back.`,
  },
  "restored-address": {
    what:
      `${WHO} has taken the address {address} from the network adapter {name}: it is set again.`,
  },
  "restored-ipv6": {
    what: `${WHO} has taken its own IPv6 address from the network adapter {name}: it is set again.`,
  },
  "contested-up": {
    what:
      "{who} switches the network adapter {name} off again and again: while it is off, the party is not reached.",
    advice: LEAVE_IT,
  },
  "contested-mac": {
    what:
      "{who} changes the MAC of the network adapter {name} again and again: nothing of this PC's " +
      "reaches the party under another MAC.",
    advice: LEAVE_IT,
  },
  "contested-mtu": {
    what:
      "{who} changes the packet size (MTU) of the network adapter {name} again and again: large " +
      "packets may be lost on their way into the party.",
    advice: LEAVE_IT,
  },
  "contested-address": {
    what:
      "{who} takes its address from the network adapter {name} again and again: without it this PC " +
      "is not reached in the party.",
    advice: LEAVE_IT,
  },
  "contested-ipv6": {
    what:
      "{who} takes its own IPv6 address from the network adapter {name} again and again: games that " +
      "look for each other by IPv6 may not find this PC.",
    advice: LEAVE_IT,
  },
  "kept-up": { what: "The network adapter {name} stays switched on again." },
  "kept-mac": { what: "The network adapter {name} keeps its MAC again." },
  "kept-mtu": { what: "The network adapter {name} keeps its packet size again." },
  "kept-address": { what: "The network adapter {name} keeps its address again." },
  "kept-ipv6": { what: "The network adapter {name} keeps its IPv6 address again." },
} as const satisfies Readonly<
  Record<`${"restored" | "contested" | "kept"}-${AdapterTrait}`, Sentence>
>;

/** What is said of an event. */
export function adapterSentence(event: AdapterEvent): Sentence {
  const { name, trait } = event;
  switch (event.type) {
    case "adapterRestored": {
      const { address = "" } = event;
      return fillSentence(ADAPTER_SENTENCES[`restored-${trait}`], { name, address });
    }
    case "adapterContested":
      return adapterFaultSentence(event);
    case "adapterKept":
      return fillSentence(ADAPTER_SENTENCES[`kept-${trait}`], { name });
  }
}

/** What is so, and what to do about it. */
export function adapterFaultSentence({ name, trait, likely }: AdapterFault): Sentence {
  const who = likely.length === 0 ? WHO : `${WHO} (likely ${either(likely)})`;
  return fillSentence(ADAPTER_SENTENCES[`contested-${trait}`], { name, who });
}

function either(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
