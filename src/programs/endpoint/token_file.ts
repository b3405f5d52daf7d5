/**
 * The resume tokens of an endpoint, in a file that only its user may read.
 *
 * @module
 */
import { TOKEN_FILE_NAME, TokenStore } from "../../endpoint/token_store.ts";
import { OWNER_ONLY_MODE, pathIn, readOwnFile, writeFileAtomic } from "../../system/files/mod.ts";
import { type Logger, logText } from "../../log/logging.ts";

/** See the module. */
export class TokenFile {
  readonly store: TokenStore;
  readonly #path: string;
  #failed = false;
  readonly #logger: Logger;

  constructor(stateDir: string, logger: Logger) {
    this.#logger = logger;
    this.#path = pathIn(stateDir, TOKEN_FILE_NAME);
    this.store = TokenStore.parse(this.#read());
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
