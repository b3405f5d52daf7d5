/**
 * The address that the LAN gave this PC last, in a file of the state folder: the next run asks for the same one, and
 * has it after one round trip.
 *
 * @module
 */
import {
  OWNER_ONLY_MODE,
  pathIn,
  readOwnFile,
  removeFileIfThere,
  writeFileAtomic,
} from "../../system/files/mod.ts";
import { type Logger, logText } from "../../log/logging.ts";

const NAME = "lanparty-client-lease.json";

/** Whose address it is: another party's LAN would give another one. */
export interface LeaseOwner {
  /** Host and port. */
  readonly relay: string;
  readonly room: string;
  /** In canonical text. */
  readonly mac: string;
}

/** What is kept. */
export interface KeptLease {
  /** As a 32-bit number. */
  readonly address: number;
  /** When its lease ends, ms since 1970; Infinity: never. */
  readonly endsMs: number;
}

/** See the module. */
export class LeaseFile {
  readonly #path: string;
  #failed = false;
  readonly #owner: LeaseOwner;
  readonly #logger: Logger;

  constructor(
    stateDir: string,
    owner: LeaseOwner,
    logger: Logger,
  ) {
    this.#owner = owner;
    this.#logger = logger;
    this.#path = pathIn(stateDir, NAME);
  }

  /** What was kept; one that cannot be read costs no more than one that is not there. */
  read(): KeptLease | undefined {
    try {
      const bytes = readOwnFile(this.#path, true);
      const file = bytes === undefined ? {} : JSON.parse(new TextDecoder().decode(bytes));
      const { relay, room, mac } = this.#owner;
      const isOurs = file.version === 1 && file.relay === relay && file.room === room &&
        file.mac === mac;
      const isAddress = Number.isInteger(file.address) && file.address > 0 &&
        file.address <= 0xffffffff;
      const isEnd = file.endsMs === null || Number.isFinite(file.endsMs);
      if (!isOurs || !isAddress || !isEnd) return undefined;
      return { address: file.address, endsMs: file.endsMs ?? Infinity };
    } catch (error) {
      logText(this.#logger, "debug", `Cannot read ${this.#path}: ${error}`);
      return undefined;
    }
  }

  /** Keeps an address. A full disk costs a round trip at the next start, and one line. */
  write({ address, endsMs }: KeptLease): void {
    const ends = endsMs === Infinity ? null : Math.round(endsMs);
    const file = { version: 1, ...this.#owner, address, endsMs: ends };
    const bytes = new TextEncoder().encode(JSON.stringify(file));
    this.#attempt(() => writeFileAtomic(this.#path, bytes, OWNER_ONLY_MODE));
  }

  /** The address is not to be asked for again. */
  forget(): void {
    this.#attempt(() => removeFileIfThere(this.#path));
  }

  #attempt(work: () => void): void {
    try {
      work();
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) logText(this.#logger, "debug", `Cannot write ${this.#path}: ${error}`);
      this.#failed = true;
    }
  }
}
