/**
 * How a running client is doing, in a file of its state folder: what `lanparty-client doctor` reads.
 *
 * @module
 */
import type { TrafficSnapshot } from "../../observe/counters.ts";
import type { ClientDiagnostics } from "../../observe/diagnostics.ts";
import type { LateCounts } from "../../observe/drop_watch.ts";
import {
  OWNER_ONLY_MODE,
  readFileIfThere,
  removeFileIfThere,
  writeFileAtomicLater,
} from "../../system/files/mod.ts";
import {
  identifyProcess,
  isHidden,
  isRunning,
  parseIdentity,
  type ProcessIdentity,
} from "../../system/process/mod.ts";

const NAME = "lanparty-client-status.json";
/** It is written each 10 s: one this old that cannot be asked about is as good as ended. */
const FRESH_MAX_MS = 30_000;

/** What is written down. */
export interface ClientStatus {
  readonly diagnostics: ClientDiagnostics;
  /** Since the start. */
  readonly traffic: TrafficSnapshot;
  /** The same of the last minutes. */
  readonly lately: LateCounts;
}

/** A status, and whether its client still runs. */
export interface FoundStatus extends ClientStatus {
  readonly isRunning: boolean;
  readonly writtenMs: number;
}

/**
 * The file of a running client. The disk is never waited for: a virus scanner can hold a file that is closed or
 * renamed for tens of milliseconds, in which no frame would pass.
 */
export class ClientStatusFile {
  readonly #path: string;
  readonly #owner: ProcessIdentity | undefined = identifyProcess(Deno.pid);
  #isOurs = false;
  #writing: Promise<void> | undefined;
  /** What has come while another one was being written. */
  #next: ClientStatus | undefined;

  constructor(stateDir: string) {
    this.#path = `${stateDir}/${NAME}`;
  }

  /** Replaces what the file says, soon. A disk that is full must not end a party. */
  write(status: ClientStatus): void {
    this.#next = status;
    this.#writing ??= this.#writeAll();
  }

  /**
   * Removes the file, if it is this process's: a client that was refused the state folder leaves that of the other.
   * What is being written ends before.
   */
  async remove(): Promise<void> {
    this.#next = undefined;
    await this.#writing;
    if (!this.#isOurs) return;
    try {
      removeFileIfThere(this.#path);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }

  async #writeAll(): Promise<void> {
    for (let status = this.#next; status !== undefined; status = this.#next) {
      this.#next = undefined;
      const file = { version: 1, owner: this.#owner, writtenMs: Date.now(), ...status };
      const bytes = new TextEncoder().encode(JSON.stringify(file));
      try {
        await writeFileAtomicLater(this.#path, bytes, OWNER_ONLY_MODE);
        this.#isOurs = true;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
      }
    }
    this.#writing = undefined;
  }
}

/** What the client that uses a state folder, or used it last, has written; undefined: nothing. */
export function readClientStatus(stateDir: string): FoundStatus | undefined {
  try {
    const bytes = readFileIfThere(`${stateDir}/${NAME}`);
    if (bytes === undefined) return undefined;
    const file = JSON.parse(new TextDecoder().decode(bytes));
    const { tap, relay, verdict } = file.diagnostics;
    const owner = parseIdentity(file.owner);
    const isWhole = file.version === 1 && typeof relay === "string" &&
      typeof verdict.kind === "string" &&
      typeof file.writtenMs === "number" && Array.isArray(tap.addresses) &&
      typeof file.traffic.drops === "object" && typeof file.lately.drops === "object";
    if (!isWhole) return undefined;
    const isFresh = Date.now() - file.writtenMs < FRESH_MAX_MS;
    return {
      ...file,
      isRunning: owner !== undefined && (isRunning(owner) || (isFresh && isHidden(owner))),
    };
  } catch {
    return undefined; // damaged, or not ours to read: as good as none
  }
}
