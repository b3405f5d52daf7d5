/**
 * A talk with the player.
 *
 * @module
 */

/** How one talks with the player. */
export interface Dialog {
  say(text: string): void;
  /** The answer without spaces around it; undefined: there will be no answer any more. */
  ask(question: string): string | undefined;
}

/** Whether a player has said yes. */
export function isYes(answer: string | undefined): boolean {
  return answer !== undefined && /^y/i.test(answer);
}
