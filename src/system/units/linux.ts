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

/** See {@linkcode Services}. */
export class LinuxServices implements Services {
  readonly #query: QueryCommand;

  constructor(query: QueryCommand = queryCommand) {
    this.#query = query;
  }

  get isThere(): boolean {
    return exists(BOOTED);
  }

  unit(service: string): string | undefined {
    const bytes = readFileIfThere(pathOf(service));
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  async install(service: string, unit: string): Promise<void> {
    writeFileAtomic(pathOf(service), new TextEncoder().encode(unit), UNIT_MODE);
    await this.#systemctl("daemon-reload");
    await this.#systemctl("enable", service);
    // One that runs is what it was before: it must not be taken for the new one.
    await this.#systemctl("stop", service);
    await this.#systemctl("start", "--no-block", service);
  }

  async remove(service: string): Promise<void> {
    await this.#systemctl("disable", "--now", service);
    removeFileIfThere(pathOf(service));
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
    const { output } = await this.#query([
      ...["journalctl", "--quiet", "--no-pager", "--output=cat", `--lines=${SAID_LINES}`],
      `_SYSTEMD_UNIT=${service}.service`,
    ]);
    const lines = output.split("\n").filter((line) => line.trim() !== "");
    return lines.findLast((line) => line.includes("error: ")) ?? lines.at(-1);
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
  if (active === "failed" || value("SubState").startsWith("auto-restart")) return "failing";
  if (active === "active" || active === "reloading") return "ready";
  return active === "activating" || active === "deactivating" ? "starting" : "stopped";
}

function pathOf(service: string): string {
  return `${UNIT_FOLDER}/${service}.service`;
}
