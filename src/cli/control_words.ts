/**
 * Options of `ctl`, which go to the running program behind its words.
 *
 * @module
 */
import { REASON_CODE_POINTS_MAX } from "../control/host_messages.ts";
import { parseTimeSpan } from "../proto/time_span.ts";
import { countCodePoints } from "../proto/clean_text.ts";
import { parseRoomName } from "../serve/ban_control.ts";
import { expecting, type OptionSpec, type OptionValues } from "./options.ts";
import { Unfit } from "./unfit.ts";

/** How long, and why somebody is kept out. */
export const REMOVAL_OPTIONS: readonly OptionSpec[] = [
  {
    name: "for",
    value: "TIME",
    help:
      "how long somebody is kept out: 90s, 15m, 1h or 7d; kick: by default 1h, and 0 lets them " +
      "come back at once; ban: by default as long as it can be",
    parse: expecting("a time such as 90s, 15m, 1h or 7d", parseTimeSpan),
  },
  {
    name: "reason",
    value: "TEXT",
    help: `why, for them to read (also of close); at most ${REASON_CODE_POINTS_MAX} characters`,
    parse: (text) =>
      countCodePoints(text) > REASON_CODE_POINTS_MAX
        ? new Unfit(`longer than ${REASON_CODE_POINTS_MAX} characters`)
        : text,
  },
];

/** Of which room; by default of all. */
export const BAN_ROOM: OptionSpec = {
  name: "room",
  value: "ROOM",
  help: "ban, unban: of this room (its code, or what rooms lists); by default of the whole relay",
  parse: expecting("a room", parseRoomName),
};

/** The options that were given, as words. */
export function removalWords(values: OptionValues): string[] {
  return ["for", "reason", "room"].flatMap((name) => {
    const text = values.text(name);
    return text === undefined ? [] : [`--${name}=${text}`];
  });
}
