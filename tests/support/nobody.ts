/** Programs that are run by a user without rights. */

import { executablePath, type PROGRAMS } from "../../tools/build/executables.ts";

/** The user and group `nobody`. */
export const NOBODY = 65_534;

/** A copy of an executable that every user can run: the checkout may lie in root's own folder. */
export class PublicExecutable implements Disposable {
  readonly path: string;
  readonly #folder = Deno.makeTempDirSync({ prefix: "lanparty-nobody-" });

  constructor(program: typeof PROGRAMS[number]) {
    this.path = `${this.#folder}/lanparty-${program}`;
    Deno.chmodSync(this.#folder, 0o755);
    Deno.copyFileSync(executablePath(program), this.path);
    Deno.chmodSync(this.path, 0o755);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
