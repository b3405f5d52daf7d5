/**
 * Services by systemctl(1) and journalctl(1).
 *
 * @module
 */
import { type QueryCommand, queryCommand } from "../command/mod.ts";
import { exists, readFileIfThere, removeFileIfThere, writeFileAtomic } from "../files/mod.ts";
import { ServiceError, type Services, type ServiceState } from "./units.ts";

/** Units of the administrator's (systemd.unit(5)). */
const UNIT_FOLDER = "/etc/systemd/system";
/** There where systemd is the system's first process (sd_booted(3)). */
const BOOTED = "/run/systemd/system";
/** Everybody reads units. */
const UNIT_MODE = 0o644;
const SAID_LINES = 20;

/** What services lie in. */
interface ServicesPlace {
  readonly folder: string;
  readonly unixMs: () => number;
}

/** See {@linkcode Services}. */
export class LinuxServices implements Services {
  readonly #query: QueryCommand;
  readonly #unixMs: () => number;
  /** Where the units are. */
  readonly folder: string;
  /** By service, when it was started; what was said before is another one's. */
  readonly #startedMs = new Map<string, number>();

  /** @param place for tests: where units are, and the time */
  constructor(query: QueryCommand = queryCommand, place: Partial<ServicesPlace> = {}) {
    this.#query = query;
    this.folder = place.folder ?? UNIT_FOLDER;
    this.#unixMs = place.unixMs ?? Date.now;
  }

  get isThere(): boolean {
    return exists(BOOTED);
  }

  unit(service: string): string | undefined {
    const bytes = readFileIfThere(this.#pathOf(service));
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  async install(service: string, unit: string): Promise<void> {
    writeFileAtomic(this.#pathOf(service), new TextEncoder().encode(unit), UNIT_MODE);
    await this.#systemctl("daemon-reload");
    await this.#systemctl("enable", service);
    // One that runs is what it was before: it must not be taken for the new one.
    await this.#systemctl("stop", service);
    this.#startedMs.set(service, this.#unixMs());
    await this.#systemctl("start", "--no-block", service);
  }

  async remove(service: string): Promise<void> {
    await this.#systemctl("disable", "--now", service);
    removeFileIfThere(this.#pathOf(service));
    await this.#systemctl("daemon-reload");
    // One that has failed is remembered without its unit; one that has not cannot be forgotten.
    await this.#query(["systemctl", "reset-failed", service]);
  }

  async look(service: string): Promise<ServiceState> {
    const { output } = await this.#query([
      ...["systemctl", "show", "--property=ActiveState,SubState", service],
    ]);
    return serviceState(output);
  }

  async lastSaid(service: string): Promise<string | undefined> {
    const startedMs = this.#startedMs.get(service);
    const { output } = await this.#query([
      ...["journalctl", "--quiet", "--no-pager", "--output=cat", `--lines=${SAID_LINES}`],
      ...startedMs === undefined ? [] : [`--since=@${(startedMs / 1_000).toFixed(3)}`],
      `_SYSTEMD_UNIT=${service}.service`,
    ]);
    const lines = output.split("\n").filter((line) => line.trim() !== "");
    return lines.findLast((line) => line.includes("error: ")) ?? lines.at(-1);
  }

  #pathOf(service: string): string {
    return `${this.folder}/${service}.service`;
  }

  async #systemctl(...words: string[]): Promise<void> {
    const { success, message } = await this.#query(["systemctl", "--quiet", ...words]);
    if (!success) throw new ServiceError(`systemctl ${words.join(" ")}: ${message}`);
  }
}

/** What `systemctl show` prints of ActiveState and SubState (systemd's D-Bus interface). */
export function serviceState(shown: string): ServiceState {
  const value = (name: string) => RegExp(`^${name}=(.*)$`, "m").exec(shown)?.[1] ?? "";
  const active = value("ActiveState");
  if (active === "failed") return "failed";
  if (value("SubState").startsWith("auto-restart")) return "failing";
  if (active === "active" || active === "reloading") return "ready";
  return active === "activating" || active === "deactivating" ? "starting" : "stopped";
}
