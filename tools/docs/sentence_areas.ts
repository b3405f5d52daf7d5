/**
 * The areas whose sentences docs/SENTENCES.md lists. A key is the area's name, `/`, and the sentence's key in its table.
 */
import { ADAPTER_SENTENCES } from "../../src/observe/adapter_events.ts";
import { DROP_SENTENCES } from "../../src/observe/drop_findings.ts";
import { GATEWAY_SENTENCES, RELAY_SENTENCES } from "../../src/observe/host_findings.ts";
import { LAN_LINK_SENTENCES } from "../../src/observe/lan_link.ts";
import { LAN_SENTENCES } from "../../src/observe/lan_verdict.ts";
import { REACH_SENTENCES } from "../../src/observe/relay_reach.ts";
import { RECEIVE_BUFFER_SENTENCES } from "../../src/observe/receive_buffer.ts";
import { INBOUND_SENTENCES } from "../../src/observe/inbound.ts";
import { CERTIFICATE_SENTENCES } from "../../src/observe/certificate_dates.ts";
import type { Sentence, SentenceTable } from "../../src/observe/sentences.ts";

/** One area, such as the verdict of a client. */
export interface SentenceArea {
  readonly title: string;
  /** Who says it, and where. */
  readonly about: string;
  readonly table: SentenceTable;
}

/** All of them, in the document's order. */
export const SENTENCE_AREAS = {
  lan: {
    title: "Whether the LAN works",
    about:
      "The client says it as it plays; its status file, and so the doctor, have the same value.",
    table: LAN_SENTENCES,
  },
  adapter: {
    title: "What other programs do to the adapter",
    about:
      "The client says it, and puts back what it can (on Windows less is changed, and said); what it cannot keep is its verdict, too.",
    table: ADAPTER_SENTENCES,
  },
  firewall: {
    title: "Whether a Linux PC's firewall lets the LAN in",
    about: "The client tries it, and says it when it changes; the doctor says the same.",
    table: INBOUND_SENTENCES,
  },
  relay: {
    title: "Why there is no connection with the relay",
    about:
      "Client and gateway say it within 3 s, and try on; the client's doctor and the gateway's line and health say the same.",
    table: REACH_SENTENCES,
  },
  link: {
    title: "A gateway's interface",
    about:
      "The gateway says it as it happens; its live line, its health and its API have what lasts.",
    table: LAN_LINK_SENTENCES,
  },
  certificate: {
    title: "A relay's certificate",
    about:
      "The relay says it at its start, when it reads the files, and each day; check-config and the pages say the same.",
    table: CERTIFICATE_SENTENCES,
  },
  gateway: {
    title: "What a gateway says of its LAN and its players",
    about:
      "Its log says it as it happens; `/healthz` has what stops it, and the live line and `/api/gateway` all that lasts; the " +
      "metric `lanparty_findings` counts all that lasts.",
    table: GATEWAY_SENTENCES,
  },
  operator: {
    title: "What a relay says of itself",
    about:
      "`/healthz` has what stops it, and its page and `/api/rooms` all of it; the metric `lanparty_findings` counts all of it.",
    table: RELAY_SENTENCES,
  },
  drops: {
    title: "What dropped frames mean",
    about:
      "Each program says it of its own counts, once in ten minutes at most; the doctor says the client's.",
    table: DROP_SENTENCES,
  },
  buffer: {
    title: "Datagrams that nobody read in time",
    about: "Relay and gateway say it once, when some were lost.",
    table: RECEIVE_BUFFER_SENTENCES,
  },
} as const satisfies Readonly<Record<string, SentenceArea>>;

type Areas = typeof SENTENCE_AREAS;

/** The key of any sentence. */
export type SentenceKey = {
  [Area in keyof Areas]: `${Area}/${keyof Areas[Area]["table"] & string}`;
}[keyof Areas];

/** Every sentence with its key, area by area. */
export function allSentences(): { readonly key: string; readonly sentence: Sentence }[] {
  return Object.entries(SENTENCE_AREAS).flatMap(([area, { table }]) =>
    Object.entries<Sentence>(table).map(([key, sentence]) => ({ key: `${area}/${key}`, sentence }))
  );
}

/** The sentence of a key. */
export function sentenceOfKey(key: SentenceKey): Sentence {
  const found = allSentences().find((one) => one.key === key);
  if (found === undefined) throw new RangeError(`no sentence ${key}`);
  return found.sentence;
}
