/**
 * Keeps a relay's certificate current while it runs: read anew on SIGHUP and when its files change, made
 * anew before it ends where it is the relay's own. A pair that cannot be used changes nothing.
 *
 * @module
 */
import type { Task } from "../../reactor/mod.ts";
import type { LogLevelName } from "../../log/logging.ts";
import type { RelayCertificate } from "./identity.ts";
import { UserError } from "../../log/user_error.ts";

/** How often the files are looked at. */
export const WATCH_INTERVAL_MS = 2_000;
/** How often is asked whether a certificate of our own is to be renewed. */
export const RENEWAL_CHECK_INTERVAL_MS = 3_600_000;

/** How often is said what is wrong with a certificate's dates. */
export const TROUBLE_INTERVAL_MS = 86_400_000;

/** Where a certificate comes from, and where it goes. */
export interface CertificateUse {
  /** Reads it, or makes it anew. @throws {UserError} it cannot be used */
  load(): Promise<RelayCertificate>;
  /** Takes it for new connections. @throws {UserError} it cannot be used */
  use(certificate: RelayCertificate): void;
  /** Whether it is time to make it anew; never for one that the administrator gives. */
  isRenewalDue(certificate: RelayCertificate): boolean;
  /** What is wrong with its dates now, as one line; undefined: nothing, or somebody else says it. */
  troubleWith(certificate: RelayCertificate): string | undefined;
  /** Says in what state files are: a text that changes when one of them does. */
  stamp(files: readonly string[]): string;
  note(level: LogLevelName, message: string, fields: Record<string, unknown>): void;
}

/** See the module. */
export class CertificateKeeper implements Task {
  #watchDueMs: number;
  #renewalDueMs: number;
  #troubleDueMs: number;
  /** The state of the files that was last tried, and the one that was last seen. */
  #triedStamp: string;
  #seenStamp: string;
  #loading: Promise<boolean> | undefined;
  readonly #shell: CertificateUse;
  #certificate: RelayCertificate;

  /** @param certificate the one in use */
  constructor(
    shell: CertificateUse,
    certificate: RelayCertificate,
    nowMs: number,
  ) {
    this.#shell = shell;
    this.#certificate = certificate;
    this.#triedStamp = this.#seenStamp = this.#stamp();
    this.#watchDueMs = nowMs + WATCH_INTERVAL_MS;
    this.#renewalDueMs = nowMs + RENEWAL_CHECK_INTERVAL_MS;
    this.#troubleDueMs = nowMs + TROUBLE_INTERVAL_MS;
    this.#sayTrouble();
  }

  /** The certificate for new connections. */
  get current(): RelayCertificate {
    return this.#certificate;
  }

  work(nowMs: number): boolean {
    if (nowMs >= this.#watchDueMs) {
      this.#watchDueMs = nowMs + WATCH_INTERVAL_MS;
      this.#watch();
    }
    if (nowMs >= this.#renewalDueMs) {
      this.#renewalDueMs = nowMs + RENEWAL_CHECK_INTERVAL_MS;
      if (this.#shell.isRenewalDue(this.#certificate)) void this.reload();
    }
    if (nowMs >= this.#troubleDueMs) {
      this.#troubleDueMs = nowMs + TROUBLE_INTERVAL_MS;
      this.#sayTrouble();
    }
    return false;
  }

  nextDeadlineMs(): number {
    return Math.min(this.#watchDueMs, this.#renewalDueMs, this.#troubleDueMs);
  }

  /** Reads the files now; false if the old certificate stays because they are of no use. */
  reload(): Promise<boolean> {
    // Whoever asks while files are read may mean newer ones: they are read once more.
    const before = this.#loading ?? Promise.resolve(true);
    const loading = before.then(() => this.#exchange()).finally(() => {
      if (this.#loading === loading) this.#loading = undefined;
    });
    return this.#loading = loading;
  }

  /** Files are taken when they have come to rest: a pair is copied one after the other. */
  #watch(): void {
    const stamp = this.#stamp();
    const rests = stamp === this.#seenStamp;
    this.#seenStamp = stamp;
    if (rests && stamp !== this.#triedStamp && this.#loading === undefined) void this.reload();
  }

  async #exchange(): Promise<boolean> {
    const before = this.#certificate;
    // Of before the reading: what changes meanwhile is seen as a change.
    this.#triedStamp = this.#stamp();
    try {
      const certificate = await this.#shell.load();
      if (certificate.created) this.#triedStamp = this.#stamp();
      this.#shell.use(certificate);
      this.#certificate = certificate;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#shell.note("error", `The old certificate stays: ${error.message}`, {
        fingerprint: before.fingerprint,
      });
      return false;
    }
    const { fingerprint, created } = this.#certificate;
    this.#shell.note("info", created ? "Certificate renewed" : "Certificate read anew", {
      fingerprint,
    });
    if (fingerprint !== before.fingerprint) {
      this.#shell.note("warning", "The certificate has another key: pins of the old one fail", {
        before: before.fingerprint,
      });
    }
    this.#sayTrouble();
    return true;
  }

  #sayTrouble(): void {
    const trouble = this.#shell.troubleWith(this.#certificate);
    if (trouble === undefined) return;
    const { validity } = this.#certificate;
    this.#shell.note("warning", trouble, { expires: new Date(validity.toUnixMs).toISOString() });
  }

  #stamp(): string {
    return this.#shell.stamp([this.#certificate.certificateFile, this.#certificate.keyFile]);
  }
}

/** The state of files as the system tells it: what they are, how long, and when last written. */
export function stampOfFiles(files: readonly string[]): string {
  return files.map((file) => {
    try {
      const { ino, size, mtime } = Deno.statSync(file);
      return `${ino} ${size} ${mtime?.getTime()}`;
    } catch (error) {
      return error instanceof Error ? error.name : String(error);
    }
  }).join(", ");
}
