/**
 * The name servers of one interface on Linux, by whatever looks after the system's:
 *
 * | who | how it is known | what it is told |
 * |---|---|---|
 * | systemd-resolved | /etc/resolv.conf leads to it | `resolvectl dns`: goes with the interface |
 * | resolvconf, openresolv | it has made /etc/resolv.conf | `resolvconf -a`: in the journal |
 * | nobody | | /etc/resolv.conf is replaced: in the journal |
 *
 * @module
 */

import { type Change, type ChangeJournal, ForeignChangeError, type Undo } from "../journal/mod.ts";
import { reasonOf } from "../files/mod.ts";
import { type RunCommand, runCommand, systemProgram } from "../command/mod.ts";
import { readResolver, RESOLVER_FILE, ResolverFile } from "./resolver_file.ts";

/** What a record with resolvconf is in the journal. */
export const RESOLVCONF_CHANGE = "resolvconf";
/** How a list begins that a client has put in place of the system's. */
const HEAD = "# lanparty-client,";
const RECORD = /^[A-Za-z0-9_.-]{1,15}\.lanparty$/;

/** Name servers and domains, as text. */
export interface NameSettings {
  readonly servers: readonly string[];
  /** To look names up in. */
  readonly domains: readonly string[];
}

/** Who looks after the system's name servers. */
export type NameKeeper = "resolved" | "resolvconf" | "nobody";

/** Who looks after a list of name servers, by what is in it and where it leads. */
export function findNameKeeper(path: string = RESOLVER_FILE): NameKeeper {
  const { link, text } = readList(path);
  const isResolveds = link?.includes("/systemd/resolve/") ||
    /^nameserver\s+127\.0\.0\.5[34]\s*$/m.test(text);
  if (isResolveds) return "resolved";
  const isResolvconfs = link?.includes("/resolvconf/") || /^# .*\bresolvconf\b/m.test(text);
  return isResolvconfs ? "resolvconf" : "nobody";
}

function isOfClient(path: string): boolean {
  return readList(path).text.startsWith(HEAD);
}

function readList(path: string): { readonly link: string | null; readonly text: string } {
  const { link, content } = readResolver(path) ?? { link: null, content: null };
  const text = content === null ? "" : new TextDecoder().decode(Uint8Array.fromBase64(content));
  return { link, text };
}

/** See the module. */
export class LinkNames {
  readonly #interface: string;
  readonly #journal: ChangeJournal;
  readonly #run: RunCommand;
  readonly #path: string;
  readonly #file: ResolverFile;
  #record: Change | undefined;
  #isAtResolved = false;
  /** What is being said to others: one thing after the other. */
  #talk: Promise<void> = Promise.resolve();

  /**
   * @param run for tests
   * @param path for tests: the system's list
   */
  constructor(
    interfaceName: string,
    journal: ChangeJournal,
    run: RunCommand = runCommand,
    path: string = RESOLVER_FILE,
  ) {
    this.#interface = interfaceName;
    this.#journal = journal;
    this.#run = run;
    this.#path = path;
    this.#file = new ResolverFile(journal, path);
  }

  /** Sets what the interface has; without servers: nothing. Resolves with what went wrong, if something did. */
  set(settings: NameSettings): Promise<string | undefined> {
    const result = this.#talk.then(async () => {
      await this.#clear();
      return settings.servers.length === 0 ? undefined : await this.#set(settings);
    }).catch(reasonOf);
    this.#talk = result.then(() => {});
    return result;
  }

  /** Takes everything back. */
  clear(): Promise<string | undefined> {
    return this.set({ servers: [], domains: [] });
  }

  async #set({ servers, domains }: NameSettings): Promise<string | undefined> {
    const lines = servers.map((server) => `nameserver ${server}\n`).join("");
    const search = domains.length === 0 ? "" : `search ${domains.join(" ")}\n`;
    switch (findNameKeeper(this.#path)) {
      case "resolved":
        this.#isAtResolved = true;
        return await this.#say(["dns", this.#interface, ...servers]) ??
          (domains.length === 0
            ? undefined
            : await this.#say(["domain", this.#interface, ...domains]));
      case "resolvconf": {
        const name = `${this.#interface.replace(/[^A-Za-z0-9_.-]/g, "_")}.lanparty`;
        this.#record = this.#journal.record(RESOLVCONF_CHANGE, name);
        const { success, message } = await this.#run(["resolvconf", "-a", name], search + lines);
        return success ? undefined : message;
      }
      case "nobody": {
        // The other one puts back what it has found when it ends: what stands on top of it would never go.
        if (isOfClient(this.#path)) {
          return `${this.#path} holds those of another lanparty-client's adapter`;
        }
        const head = `${HEAD} for ${this.#interface}; what was here is put back\n`;
        return this.#file.replace(head + search + lines) ? undefined : `${this.#path} is no file`;
      }
    }
  }

  async #clear(): Promise<void> {
    if (this.#isAtResolved) await this.#say(["revert", this.#interface]);
    this.#isAtResolved = false;
    this.#file.restore();
    const record = this.#record;
    if (record === undefined) return;
    this.#record = undefined;
    const { success } = await this.#run(["resolvconf", "-d", String(record.data)]);
    if (success) this.#journal.forget(record);
  }

  async #say(words: readonly string[]): Promise<string | undefined> {
    const { success, message } = await this.#run(["resolvectl", ...words]);
    return success ? undefined : message;
  }
}

/**
 * Has resolvconf forget the record of a killed client's interface. Its data is the record's name.
 *
 * @throws {ForeignChangeError} the journal names something else
 */
export const undoResolvconf: Undo = (data) => {
  if (typeof data !== "string" || !RECORD.test(data)) {
    throw new ForeignChangeError(`no record of ours with resolvconf is ${JSON.stringify(data)}`);
  }
  const path = systemProgram("resolvconf");
  if (path === undefined) return;
  const { code } = new Deno.Command(path, {
    args: ["-d", data],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).outputSync();
  if (code !== 0) throw new Error(`resolvconf -d ${data} ended with code ${code}`);
};
