/** A player at the questions of a program. */
import type { Dialog } from "../../src/cli/dialog.ts";

/** A player who gives these answers, and then closes the window. */
export class ScriptedPlayer implements Dialog {
  readonly heard: string[] = [];
  readonly #answers: string[];

  constructor(...answers: string[]) {
    this.#answers = answers;
  }

  say(text: string): void {
    this.heard.push(text);
  }

  ask(question: string): string | undefined {
    this.heard.push(question);
    return this.#answers.shift();
  }
}
