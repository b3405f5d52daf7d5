/**
 * What a gateway says of its LAN: loops, and who wants to be taken for one.
 *
 * @module
 */

import { formatTimeSpan as span } from "../proto/time_span.ts";
import { GATEWAY_SENTENCES } from "./host_findings.ts";
import { fillSentence, sentenceLine } from "./sentences.ts";

/** What shows that a LAN is reached twice. */
type Cause = "lan" | "room" | "bridged-player" | "gateway";

/** Something that the host of a LAN should know. */
export type LanEvent =
  /** The gateway's LAN is reached twice, or no longer; or another gateway is on it. `mac` leads to the place. */
  | { readonly type: "loop"; readonly cause: Cause; readonly mac: string }
  | { readonly type: "loopOver"; readonly stoppedMs: number }
  /** A probe had said so, and nothing else did. */
  | { readonly type: "loopUnproven"; readonly cause: Cause; readonly mac: string }
  | { readonly type: "otherGateway"; readonly mac: string };

const TYPES: readonly string[] = ["loop", "loopOver", "loopUnproven", "otherGateway"];

/** Whether an event is of these. */
export function isLanEvent(event: { readonly type: string }): event is LanEvent {
  return TYPES.includes(event.type);
}

/** Whether something is to be done about it. */
export function lanEventWarns(event: LanEvent): boolean {
  return event.type !== "loopOver";
}

/** What is said of an event. */
export function lanEventText(event: LanEvent): string {
  if (event.type === "loopOver") {
    const values = { time: span(event.stoppedMs) };
    return sentenceLine(fillSentence(GATEWAY_SENTENCES["loop-over"], values));
  }
  return sentenceLine(fillSentence(GATEWAY_SENTENCES[keyOf(event)], { mac: event.mac }));
}

function keyOf(event: Exclude<LanEvent, { type: "loopOver" }>): keyof typeof GATEWAY_SENTENCES {
  switch (event.type) {
    case "loop":
      return `loop-${event.cause}`;
    case "loopUnproven":
      return event.cause === "gateway" ? "loop-unproven-gateway" : "loop-unproven";
    case "otherGateway":
      return "other-gateway";
  }
}
