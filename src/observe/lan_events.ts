/**
 * What a gateway says of its LAN: loops, and who wants to be taken for one.
 *
 * @module
 */

import { formatTimeSpan as span } from "../proto/time_span.ts";

/** Something that the host of a LAN should know. */
export type LanEvent =
  /** The gateway's LAN is reached twice, or no longer; or another gateway is on it. */
  | { readonly type: "loop"; readonly cause: keyof typeof LOOP_TEXT; readonly mac: string }
  | { readonly type: "loopOver"; readonly stoppedMs: number }
  /** A probe had said so, and nothing else did. */
  | { readonly type: "loopUnproven"; readonly cause: keyof typeof LOOP_TEXT; readonly mac: string }
  | { readonly type: "otherGateway"; readonly mac: string };

/** What shows that a LAN is reached twice, around the MAC that leads to the place. */
const LOOP_TEXT = {
  "lan": [
    "the LAN has a loop of its own, such as a cable between two ports of its switches. The switches' address tables show the port: look for",
    "",
  ],
  "room": ["the room leads back to this LAN by another way. Look for", "in the switches' tables"],
  "bridged-player": [
    "a player's PC that is in this LAN too bridges both. Take the bridge apart; the switches' address tables show its port: look for",
    "",
  ],
  "gateway": ["the gateway", "was on this LAN before. One LAN needs one gateway: end one of them"],
} as const;

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
  switch (event.type) {
    case "loop":
      return loopText(event);
    case "loopOver":
      return `The loop is gone after ${span(event.stoppedMs)}: frames are forwarded again.`;
    case "loopUnproven":
      return loopUnprovenText(event);
    case "otherGateway":
      return `Another gateway (${event.mac}) is on this LAN. One LAN needs one gateway: end one of them.`;
  }
}

function loopText(event: LanEvent & { type: "loop" }): string {
  const [before, after] = LOOP_TEXT[event.cause];
  return `Nothing is forwarded: ${before} ${`${event.mac} ${after}`.trim()}.`;
}

function loopUnprovenText({ cause, mac }: LanEvent & { type: "loopUnproven" }): string {
  return cause === "gateway"
    ? `Frames are forwarded again: the gateway ${mac} is on this LAN, too, but nothing comes back by ` +
      "it. One LAN needs one gateway: end one of them."
    : "Frames are forwarded again: nothing but a probe has come back, so there is no loop, but maybe " +
      `somebody who wants to be taken for one. The switches' address tables show the port: look for ${mac}.`;
}
