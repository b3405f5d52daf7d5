/**
 * What a room's gateway asks of its relay, and the relay's answers: removing players, and who may come.
 * Both go only where `welcome` named the feature `host-requests`.
 *
 * @module
 */

import { z } from "zod";
import {
  count,
  fields,
  messageText,
  NAME_CODE_POINTS_MAX,
  optionalText,
  type Output,
  peerId,
} from "./schema.ts";

/** What may be asked for. */
export const HOST_ACTIONS = [
  "kick",
  "ban",
  "unban",
  "bans",
  "lock",
  "unlock",
  "release",
] as const;
export type HostAction = (typeof HOST_ACTIONS)[number];

/** Who has removed somebody: the room's host, or who runs the relay. */
export const REMOVERS = ["host", "operator"] as const;
export type Remover = (typeof REMOVERS)[number];

/** How long a player who is kicked stays away, unless told otherwise. */
export const KICK_DEFAULT_MS = 3_600_000;
/** Longest texts, in Unicode code points. */
export const REASON_CODE_POINTS_MAX = 128;
export const TARGET_CODE_POINTS_MAX = 64;
/** Bans in one answer; more come in further ones. */
export const BANS_PER_ANSWER_MAX = 16;
const TARGETS_PER_BAN_MAX = 8;

/** The schema of {@linkcode Remover}. */
export const remover = z.enum(REMOVERS);

//= PROTOCOL.md 6.7
//# | **`type`** | `"hostRequest"` | […] | `reason` | text |
/** The schema of {@linkcode HostRequest}. */
export const hostRequest = fields({
  type: z.literal("hostRequest"),
  request: count,
  action: z.enum(HOST_ACTIONS),
  peerId: peerId.optional(),
  target: optionalText(TARGET_CODE_POINTS_MAX),
  forMs: count.optional(),
  reason: optionalText(REASON_CODE_POINTS_MAX),
});

const banText = z.string().min(1).max(TARGET_CODE_POINTS_MAX).regex(
  /^[\x21-\x7e]+$/,
  "not printable",
);
const listedBan = fields({
  id: banText,
  by: remover,
  targets: z.array(banText).max(TARGETS_PER_BAN_MAX),
  forMs: count.optional(),
  reason: optionalText(REASON_CODE_POINTS_MAX),
  name: optionalText(NAME_CODE_POINTS_MAX),
});

//= PROTOCOL.md 6.7
//# | **`type`** | `"hostAnswer"` | […] | `more` |
/** The schema of {@linkcode HostAnswer}. */
export const hostAnswer = fields({
  type: z.literal("hostAnswer"),
  request: count,
  ok: z.boolean(),
  message: messageText,
  bans: z.array(listedBan).transform((all) => all.slice(0, BANS_PER_ANSWER_MAX)).optional(),
  more: z.boolean().optional(),
});

/** A gateway asks for something; the relay's answer has the same `request`. */
export type HostRequest = Output<typeof hostRequest>;
/** What came of it. */
export type HostAnswer = Output<typeof hostAnswer>;
/** One ban of a room; `forMs` is what is left of it. */
export type ListedBan = NonNullable<HostAnswer["bans"]>[number];
