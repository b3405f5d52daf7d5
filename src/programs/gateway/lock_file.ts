/**
 * Whether a gateway's host has locked the room: a file in its state folder, there while it is locked.
 *
 * @module
 */
import { reasonOf } from "../../log/user_error.ts";
import { pathIn, readOwnFile, removeFileIfThere, writeFileAtomic } from "../../system/files/mod.ts";
import { type Logger, logText } from "../../log/logging.ts";

const FILE = "lanparty-gateway-locked";
const PRIVATE = 0o600;

/** See the module. */
export class LockFile {
  /** Whether the room was locked when the gateway ended. */
  readonly found: boolean;
  readonly #path: string;
  readonly #room: string;
  readonly #logger: Logger;

  /** `room`: its code; a lock is of that room alone. */
  constructor(stateDir: string, room: string, logger: Logger) {
    this.#room = room;
    this.#logger = logger;
    this.#path = pathIn(stateDir, FILE);
    this.found = this.#read();
  }

  /** Never throws: what fails is said. */
  keep(locked: boolean): void {
    try {
      if (!locked) return removeFileIfThere(this.#path);
      writeFileAtomic(this.#path, new TextEncoder().encode(`${this.#room}\n`), PRIVATE);
    } catch (error) {
      const end = locked
        ? "the lock ends with the gateway"
        : "the lock is back with the next gateway";
      logText(this.#logger, "warning", `Cannot write ${this.#path}: ${reasonOf(error)}: ${end}`);
    }
  }

  #read(): boolean {
    try {
      const bytes = readOwnFile(this.#path);
      return bytes !== undefined && new TextDecoder().decode(bytes).trim() === this.#room;
    } catch (error) {
      logText(this.#logger, "warning", `The room is not locked: ${reasonOf(error)}`);
      return false;
    }
  }
}
