/**
 * CoDel's drop law for each bucket of a queue (RFC 8289, section 4): a flow whose entries have waited longer than a
 * target for a whole round trip has a queue that stays, and its sender is told by single drops, each sooner than the
 * one before, long before the queue's hard bound drops everything.
 *
 * Its state is two numbers of a bucket (a flow's bucket has room for them), all zero for one that is new: flags and a count of drops;
 * and a time in sixteenths of a ms, which may go round.
 *
 * @module
 */

/**
 * A wait that is no sign of a queue that stays, ms; on a long path a tenth of the round trip. RFC 8289, section 4.3, has
 * between a twentieth and a tenth of it: with less a single transport does not fill the path.
 */
export const CODEL_TARGET_MS = 5;
const TARGET_DIVISOR = 10;
/** After so many intervals without a drop the law begins anew (RFC 8289, section 5.4: of the original's code). */
const MEMORY_INTERVALS = 16;
const TICKS_PER_MS = 16;
const TARGET = CODEL_TARGET_MS * TICKS_PER_MS;

/** Flags: the wait is above the target until the time comes; drops have begun, the next one then; see `markBulk`. */
const ABOVE = 1;
const DROPPING = 2;
const BULK = 4;
const COUNT_SHIFT = 3;

/** A time in sixteenths of a ms. It goes round each three days: what counts are differences. */
export function ticksOf(ms: number): number {
  return ms * TICKS_PER_MS | 0;
}

/** The flow has more queued than a turn may send: so it is, until `endBulk`, when it is empty. */
export function markBulk(words: Int32Array, at: number): void {
  words[at] |= BULK;
}

/** Whether the flow is marked so. */
export function isBulk(words: Int32Array, at: number): boolean {
  return (words[at] & BULK) !== 0;
}

/** The flow has nothing queued any more. */
export function endBulk(words: Int32Array, at: number): void {
  words[at] &= ~(BULK | ABOVE | DROPPING);
}

/**
 * Whether a bucket's first entry shall be dropped rather than sent. To be asked again of the one behind it.
 *
 * Times are whole ticks ({@linkcode ticksOf}): numbers with a fraction that are passed on are objects.
 *
 * @param words memory of all buckets
 * @param at where this bucket's state begins in it
 * @param waited how long that entry has waited
 * @param isShort so little is queued that after a drop nothing would be left to send
 * @param interval a round trip of the path
 */
export function shallDrop(
  words: Int32Array,
  at: number,
  waited: number,
  isShort: boolean,
  interval: number,
  now: number,
): boolean {
  if (waited < Math.max(TARGET, interval / TARGET_DIVISOR) || isShort) {
    words[at] &= ~(ABOVE | DROPPING);
    return false;
  }
  if ((words[at] & DROPPING) !== 0) {
    if ((now - words[at + 1] | 0) < 0) return false;
    words[at] += 1 << COUNT_SHIFT;
    words[at + 1] = words[at + 1] + pause(words[at], interval) | 0;
    return true;
  }
  if ((words[at] & ABOVE) === 0) {
    // The count stays for a while, should drops begin again: then the time tells how long ago the last ones were.
    const isRecent = (now - words[at + 1] | 0) < MEMORY_INTERVALS * interval;
    words[at] = isRecent ? words[at] | ABOVE : words[at] & BULK | ABOVE;
    words[at + 1] = now + interval | 0;
    return false;
  }
  if ((now - words[at + 1] | 0) < 0) return false;
  // At nearly the pace at which they have ended.
  const count = Math.max(1, (words[at] >>> COUNT_SHIFT) - 2);
  words[at] = words[at] & BULK | DROPPING | count << COUNT_SHIFT;
  words[at + 1] = now + pause(words[at], interval) | 0;
  return true;
}

/** How long it is to the next drop. */
function pause(word: number, interval: number): number {
  return interval / Math.sqrt(word >>> COUNT_SHIFT) | 0;
}
