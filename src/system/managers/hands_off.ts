/**
 * Programs that manage all of a Linux system's networks, and would give an adapter addresses, routes and name
 * servers as they think fit: each is told, by its own means, that one of them is none of its business.
 *
 * | who | how it is known | what it is told |
 * |---|---|---|
 * | NetworkManager | /run/NetworkManager | a file in its folder of settings below /run: NetworkManager.conf(5) |
 * | systemd-networkd | /run/systemd/netif | a file in its folder below /run: systemd.network(5) |
 * | dhcpcd, of the whole system | its socket | `-x NAME` at its socket, when it has taken the adapter: dhcpcd(8) |
 * | ifupdown | | nothing: it takes only the names that interfaces(5) lists |
 *
 * A dhcpcd takes a TAP adapter only where its settings name it. The files are there before the adapter is; they are
 * in the journal, and gone with the next start of the system.
 *
 * @module
 */

import { type Change, type ChangeJournal, ForeignChangeError, type Undo } from "../journal/mod.ts";
import { exists, reasonOf, removeFileIfThere } from "../files/mod.ts";
import { type RunCommand, runCommand } from "../command/mod.ts";

/** What a manager's file is in the journal; its data is the path. */
export const MANAGER_FILE_CHANGE = "manager-file";

/** A manager that reads files. */
interface FileManager {
  readonly name: string;
  /** It is there since the manager has run. */
  readonly isThere: string;
  file(interfaceName: string): { readonly path: string; readonly text: string };
  readonly reload: readonly string[];
}

const FILE_MANAGERS: readonly FileManager[] = [
  {
    name: "NetworkManager",
    isThere: "/run/NetworkManager",
    file: (name) => ({
      path: `/run/NetworkManager/conf.d/90-lanparty-${name}.conf`,
      // Twice: a list of devices in /etc takes the place of this one.
      text: `[keyfile]\nunmanaged-devices+=interface-name:=${name}\n\n` +
        `[device-lanparty-${name}]\nmatch-device=interface-name:=${name}\nmanaged=0\n`,
    }),
    reload: ["nmcli", "general", "reload", "conf"],
  },
  {
    name: "systemd-networkd",
    isThere: "/run/systemd/netif/state",
    file: (name) => ({
      path: `/run/systemd/network/00-lanparty-${name}.network`,
      text: `[Match]\nName=${name}\n\n[Link]\nUnmanaged=yes\n`,
    }),
    reload: ["networkctl", "reload"],
  },
];
/**
 * Where a dhcpcd that manages the whole system hears root; newer ones first. `dhcpcd -x NAME` itself looks for a process
 * of that interface's alone, up to version 9.
 */
const DHCPCD_SOCKETS = ["/run/dhcpcd/sock", "/run/dhcpcd.sock"] as const;
/**
 * When it is told at the latest: it must know the adapter by then, since what is not there yet is taken all the same
 * later on, and version 9 hears one command only (`ps_ctl_dispatch: cannot handle another client`).
 */
const DHCPCD_KNOWS_MS = 3_000;
/** One that was told takes so long to stop; it asks no sooner again. */
const DHCPCD_PAUSE_MS = 5_000;
/** It switches the kernel's link-local addresses off for its own, and not on again. */
const OWN_ADDRESSES_PAUSE_MS = 1_000;
const ADDRESSES_BY_NOBODY = "1";
/** networkd reads as a user of its own. */
const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;
/** Names that mean in each manager's files what they say; others are left to them. */
const PLAIN_NAME = /^[A-Za-z0-9_.-]{1,15}$/;
const OURS = [
  /^\/run\/NetworkManager\/conf\.d\/90-lanparty-[A-Za-z0-9_.-]{1,15}\.conf$/,
  /^\/run\/systemd\/network\/00-lanparty-[A-Za-z0-9_.-]{1,15}\.network$/,
] as const;

/** The managers that run on this system, by name. @param root for tests: the folder that stands for `/` */
export function findManagers(root = ""): string[] {
  return [
    ...fileManagersOf(root).map(({ name }) => name),
    ...(dhcpcdSocket(root) === undefined ? [] : ["dhcpcd"]),
  ];
}

function fileManagersOf(root: string): FileManager[] {
  return FILE_MANAGERS.filter(({ isThere }) => exists(root + isThere));
}

/** Where the dhcpcd of the whole system is told something; undefined: none runs. */
function dhcpcdSocket(root: string): string | undefined {
  return DHCPCD_SOCKETS.map((path) => root + path).find(exists);
}

/** Keeps the managers off one adapter. */
export class HandsOff {
  readonly #interface: string;
  readonly #journal: ChangeJournal;
  readonly #run: RunCommand;
  readonly #root: string;
  readonly #changes: { readonly manager: FileManager; readonly change: Change }[] = [];
  /** What the adapter's system has asked when a dhcpcd was told last. */
  #askedBefore = 0;
  #tellMs = Infinity;
  #toldMs = -Infinity;
  #addressesMs = Infinity;

  /**
   * @param run for tests
   * @param root for tests: the folder that stands for `/`
   */
  constructor(
    interfaceName: string,
    journal: ChangeJournal,
    run: RunCommand = runCommand,
    root = "",
  ) {
    this.#interface = interfaceName;
    this.#journal = journal;
    this.#run = run;
    this.#root = root;
  }

  /** To be called before the adapter is made. Resolves when all have heard it, with what went wrong. */
  async begin(): Promise<string[]> {
    if (!PLAIN_NAME.test(this.#interface)) return [];
    const there = fileManagersOf(this.#root);
    const failures = there.map((manager) => {
      const { path, text } = manager.file(this.#interface);
      try {
        const change = this.#journal.record(MANAGER_FILE_CHANGE, path);
        this.#changes.push({ manager, change });
        writeNew(this.#root + path, text);
        return undefined;
      } catch (error) {
        return `${path}: ${reasonOf(error)}`;
      }
    });
    const reloads = await this.#reload(there);
    return [...failures, ...reloads].filter((failure) => failure !== undefined);
  }

  /** To be called when the adapter is there: who has no settings for what may come is told a little later. */
  adapterMade(nowMs: number): void {
    this.#tellMs = nowMs + DHCPCD_KNOWS_MS;
  }

  /**
   * To be called now and then while the adapter is there.
   *
   * @param asked how many questions for DHCP servers this system has sent by the adapter so far: who asks has taken it
   * @returns what went wrong, if somebody is told something
   */
  check(asked: number, nowMs: number): Promise<string[]> | undefined {
    if (nowMs >= this.#addressesMs) this.#bringBackOwnAddresses();
    const isTaken = asked > this.#askedBefore && nowMs >= this.#toldMs + DHCPCD_PAUSE_MS;
    if (!isTaken && nowMs < this.#tellMs) return undefined;
    this.#askedBefore = asked;
    this.#tellMs = Infinity;
    const socket = dhcpcdSocket(this.#root);
    if (socket === undefined) return undefined;
    this.#toldMs = nowMs;
    this.#addressesMs = nowMs + OWN_ADDRESSES_PAUSE_MS;
    return this.#tellDhcpcd(socket);
  }

  /** To be called when the adapter is gone: its name is the managers' again. */
  async end(): Promise<void> {
    const told = this.#changes.splice(0);
    for (const { change } of told) {
      try {
        removeFileIfThere(this.#root + String(change.data));
        this.#journal.forget(change);
      } catch {
        // It stays written down, and is taken away at the next start: the client's end goes on.
      }
    }
    await this.#reload(told.map(({ manager }) => manager));
  }

  /** Its protocol is the words of a command line, each with a zero behind it. */
  async #tellDhcpcd(path: string): Promise<string[]> {
    try {
      using socket = await Deno.connect({ transport: "unix", path });
      await socket.write(new TextEncoder().encode(`dhcpcd\0-x\0${this.#interface}\0`));
      return [];
    } catch (error) {
      return [`dhcpcd: ${reasonOf(error)}`];
    }
  }

  #bringBackOwnAddresses(): void {
    this.#addressesMs = Infinity;
    const setting = (name: string) => `${this.#root}/proc/sys/net/ipv6/conf/${name}/addr_gen_mode`;
    try {
      const usual = Deno.readTextFileSync(setting("default")).trim();
      const now = Deno.readTextFileSync(setting(this.#interface)).trim();
      if (now !== ADDRESSES_BY_NOBODY || usual === ADDRESSES_BY_NOBODY) return;
      Deno.writeTextFileSync(setting(this.#interface), usual, { create: false });
    } catch {
      // A system without IPv6, or an adapter that has just gone.
    }
  }

  #reload(managers: readonly FileManager[]): Promise<(string | undefined)[]> {
    return Promise.all(managers.map(async ({ name, reload }) => {
      const { success, message } = await this.#run(reload);
      return success ? undefined : `${name}: ${message}`;
    }));
  }
}

/**
 * Takes a manager's file away that a killed client has left; the manager hears of it at its next look.
 *
 * @throws {ForeignChangeError} it is none of ours
 */
export const undoManagerFile: Undo = (data) => {
  if (typeof data !== "string" || !OURS.some((name) => name.test(data))) {
    throw new ForeignChangeError(`no file of ours for a manager is ${JSON.stringify(data)}`);
  }
  removeFileIfThere(data);
};

/**
 * What stands there may be another's: never write through it. The process's umask may take away what a manager needs
 * to read it.
 */
function writeNew(path: string, text: string): void {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const isThere = exists(folder);
  Deno.mkdirSync(folder, { recursive: true });
  if (!isThere) Deno.chmodSync(folder, FOLDER_MODE);
  removeFileIfThere(path);
  Deno.writeTextFileSync(path, text, { mode: FILE_MODE, createNew: true });
  Deno.chmodSync(path, FILE_MODE);
}
