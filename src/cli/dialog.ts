/**
 * A talk with whoever sits at the keyboard.
 *
 * @module
 */

/** How one talks with them. */
export interface Dialog {
  say(text: string): void;
  /** The answer without spaces around it; undefined: there will be no answer any more. */
  ask(question: string): string | undefined;
}

/** A talk in the terminal, or console, that the program runs in. */
export const TERMINAL: Dialog = {
  say: (text) => console.log(text),
  ask: (question) => prompt(question)?.trim(),
};

/** Whether a player has said yes. */
export function isYes(answer: string | undefined): boolean {
  return answer !== undefined && /^y/i.test(answer);
}
