/**
 * What an endpoint keeps from session to session, in a file that only its user may read: resume tokens, ways to relays.
 *
 * @module
 */
import { OWNER_ONLY_MODE, pathIn, readOwnFile, writeFileAtomic } from "../../system/files/mod.ts";
import { type Logger, logText } from "../../log/logging.ts";

/** A store that is a text on disk. */
interface Store {
  format(): string;
}

/** See the module. */
export class StoreFile<Kept extends Store> {
  readonly store: Kept;
  readonly #path: string;
  #failed = false;
  readonly #logger: Logger;

  /** @param parse reads the file's text; an empty one where there is none */
  constructor(stateDir: string, name: string, parse: (text: string) => Kept, logger: Logger) {
    this.#logger = logger;
    this.#path = pathIn(stateDir, name);
    this.store = parse(this.#read());
  }

  /** The file's text. One that cannot be read costs no more than one that is not there. */
  #read(): string {
    try {
      return new TextDecoder().decode(readOwnFile(this.#path, true) ?? new Uint8Array(0));
    } catch (error) {
      logText(this.#logger, "warning", `Cannot read ${this.#path}: ${error}`);
      return "";
    }
  }

  /** Writes the store. A full disk costs a slower return after a crash, and one warning. */
  save(): void {
    try {
      writeFileAtomic(this.#path, new TextEncoder().encode(this.store.format()), OWNER_ONLY_MODE);
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) logText(this.#logger, "warning", `Cannot write ${this.#path}: ${error}`);
      this.#failed = true;
    }
  }
}
