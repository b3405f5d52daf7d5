/**
 * A Windows PC, as far as Wine can be one: a fresh prefix in a network namespace, with a TAP adapter
 * whose driver is a fake of ours (`tests/windows/fake_tap.c`), and the namespace's own IP stack in
 * the place of Windows':
 *
 * ```text
 *  ┌ namespace ────────────────────────────────────────────────────────────────┐
 *  │  lanparty-client.exe ── fake_tap.sys ── wire.exe ── UDP ── socat ── TAP    │
 *  │  └──────────────── Wine, in a root of its own ─┘                  (tap)   │
 *  └────────────────────────────────────────────────────────────────────────────┘
 * ```
 */
import { formatIp, networkOf, parseIpAddress } from "../../src/proto/ip.ts";
import { cached, hashOf, ignoreNotFound, prune } from "../../tools/build/cache.ts";
import { WINDOWS_CLIENT } from "../../tools/build/executables.ts";
import { ensureWine } from "../../tools/build/wine.ts";
import type { Lease } from "./dhcp_lease.ts";
import { inTerminal } from "./terminal.ts";
import type { CommandResult, LabProcess, Namespace, RunOptions } from "../../tools/lab/netns.ts";
import {
  ensureFakes,
  FAKE_OVERRIDES,
  type FakeDll,
  FAKES,
  filesOf,
  STACK_DLLS,
} from "./wine_fakes.ts";

/** UDP ports of the namespace's loopback between wire.exe and socat. */
const WIRE_PORTS = [47_001, 47_002] as const;
const PREFIX_TIMEOUT_MS = 120_000;
const COMMAND_TIMEOUT_MS = 60_000;

/** The adapter of `adapter.reg`, as the driver makes it when no other MAC is set. */
export const WINE_ADAPTER = {
  name: "LAN party",
  mac: "00:ff:11:22:33:44",
  guid: "{11111111-2222-3333-4444-555555555555}",
} as const;

/** The client's journal of what it changes beside that adapter, on drive C. */
export const WINE_JOURNAL = `Program Files/lanparty-client/changes-${WINE_ADAPTER.guid}.json`;

/** The networks of a PC at home, its adapter of the party among them: see `fake_iphlpapi.c`. */
export const HOME: readonly string[] = [
  "interface 3 25 Ethernet",
  `interface 7 25 ${WINE_ADAPTER.name}`,
  "address 3 192.0.2.20/24",
  "address 3 2001:db8:1::20/64",
  "route 3 0.0.0.0/0 10.92.0.1 0",
  "route 3 192.0.2.0/24 0.0.0.0 256",
  "route 3 ::/0 fe80::1 0",
  "route 3 224.0.0.0/4 0.0.0.0 256",
  "route 7 224.0.0.0/4 0.0.0.0 256",
  "route 3 255.255.255.255/32 0.0.0.0 256",
  "route 7 255.255.255.255/32 0.0.0.0 256",
  "dns 3 192.0.2.53",
];

/** Mounts are made in a mount namespace of the command's own, and vanish with it. */
const ENTER = `
root=$1; work=$2; shift 2
set -e
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --bind "$work" "$root/mnt"
mount --bind "$work/tmp" "$root/tmp"
mount --bind "$work/etc" "$root/etc"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/mnt/home USER=player \\
  WINEPREFIX=/mnt/prefix WINEDEBUG=-all \\
  WINEDLLOVERRIDES="winemenubuilder.exe,mscoree,mshtml=d;${FAKE_OVERRIDES}" "$@"
`;

/** What the fake driver was asked for since it started. */
export type DriverRecord = Readonly<Record<string, number>>;

/** A fresh Windows, installed once: it takes seconds each time. */
async function ensurePrefix(namespace: Namespace, root: string): Promise<string> {
  const folder = await cached("wine-prefix", await hashOf([root, ENTER]), async (target) => {
    await WinePc.install(namespace, root, target);
  });
  await prune("wine-prefix", 1);
  return `${folder}/prefix`;
}

/** Windows' own files are replaced at times, never written to: they are shared where that is possible. */
async function copyPrefix(namespace: Namespace, from: string, to: string): Promise<void> {
  const copy = (options: readonly string[], names: readonly string[], target: string) =>
    namespace.run([
      ...["cp", "--archive", ...options, ...names.map((name) => `${from}/${name}`)],
      `${to}/${target}`,
    ]);
  const names = [...Deno.readDirSync(from)].map(({ name }) => name);
  await copy([], names.filter((name) => name !== "drive_c"), "");
  await Deno.mkdir(`${to}/drive_c`);
  const folders = [...Deno.readDirSync(`${from}/drive_c`)].map(({ name }) => `drive_c/${name}`);
  await copy([], folders.filter((name) => name !== "drive_c/windows"), "drive_c");
  // Not possible between file systems.
  await copy(["--link"], ["drive_c/windows"], "drive_c").catch(async () => {
    await Deno.remove(`${to}/drive_c/windows`, { recursive: true }).catch(ignoreNotFound);
    await copy([], ["drive_c/windows"], "drive_c");
  });
}

/** See the module. */
export class WinePc implements AsyncDisposable {
  readonly namespace: Namespace;
  /** A folder that the programs see as `Z:\mnt`. */
  readonly folder: string;
  readonly #root: string;

  private constructor(namespace: Namespace, root: string, folder: string) {
    this.namespace = namespace;
    this.#root = root;
    this.folder = folder;
  }

  /** A PC without an adapter, with the client on its disk. */
  static async open(namespace: Namespace, client: string = WINDOWS_CLIENT): Promise<WinePc> {
    const root = await ensureWine();
    const installed = await ensurePrefix(namespace, root);
    const pc = new WinePc(namespace, root, await Deno.makeTempDir({ prefix: "lanparty-wine-" }));
    try {
      await pc.#furnish();
      await Deno.copyFile(client, `${pc.folder}/lanparty-client.exe`);
      await copyPrefix(namespace, installed, `${pc.folder}/prefix`);
      await pc.restart();
    } catch (error) {
      await pc[Symbol.asyncDispose]();
      throw error;
    }
    return pc;
  }

  /** A PC in a folder that others look after, on which Windows is being installed. */
  static async install(namespace: Namespace, root: string, folder: string): Promise<void> {
    const pc = new WinePc(namespace, root, folder);
    await pc.#furnish();
    await pc.run(["wine", "wineboot", "--init"], { timeoutMs: PREFIX_TIMEOUT_MS });
    await pc.run(["wineserver", "--kill", "--wait"], { anyCode: true });
  }

  /** What a PC's folder has beside its disks. */
  async #furnish(): Promise<void> {
    const { folder } = this;
    for (const name of ["home", "prefix", "tmp"]) await Deno.mkdir(`${folder}/${name}`);
    await Deno.writeTextFile(this.#enterScript, ENTER);
    await this.namespace.run(["cp", "--archive", `${this.#root}/etc`, `${folder}/etc`]);
    // Wine looks its host's name up, and no name server answers here: it would wait a long time.
    await Deno.writeTextFile(`${folder}/etc/nsswitch.conf`, "hosts: files\n");
  }

  /** Restarts Windows: programs end, and services of a new kind can start only then. */
  async restart(): Promise<void> {
    await this.run(["wineserver", "--kill", "--wait"], { anyCode: true });
    // A server that stays, so that drivers do, too.
    await this.run(["wineserver", "--persistent"]);
  }

  get #enterScript(): string {
    return `${this.folder}/enter.sh`;
  }

  /** Runs a command of Wine's to its end. */
  run(command: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    return this.namespace.run(this.#enter(command), { timeoutMs: COMMAND_TIMEOUT_MS, ...options });
  }

  /** Starts a program under Wine. */
  spawn(command: readonly string[]): LabProcess {
    return this.namespace.spawn(this.#enter(["wine", ...command]));
  }

  /**
   * Starts the client in a window of its own, as a double click does: what is written is typed there.
   *
   * @param words what a link that was clicked on has behind the program
   */
  doubleClick(...words: string[]): LabProcess {
    const command = this.#enter(["wine", "/mnt/lanparty-client.exe", ...words]);
    // What is typed early must wait as it is: Wine's console makes the terminal raw only when it reads.
    return this.namespace.spawn(inTerminal(command, { before: "stty raw -echo" }));
  }

  /** Starts the client. */
  client(...options: string[]): LabProcess {
    return this.spawn(["/mnt/lanparty-client.exe", ...options]);
  }

  /** Has Windows trust a CA, by its certificate as PEM: programs that start from now on. */
  async trust(pem: string): Promise<void> {
    await Deno.mkdir(`${this.folder}/etc/ssl/certs`, { recursive: true });
    await Deno.writeTextFile(`${this.folder}/etc/ssl/certs/ca-certificates.crt`, pem);
  }

  /** Puts a DLL beside the client, under each of these names, that writes down when it is loaded. */
  async plant(names: readonly string[]): Promise<void> {
    const fakes = await ensureFakes(this.#root);
    for (const name of names) await this.place(`${fakes}/planted.dll`, name);
  }

  /** Copies a text to the clipboard, as another program would, which stays. */
  async copyToClipboard(text: string): Promise<void> {
    const fakes = await ensureFakes(this.#root);
    await this.place(`${fakes}/clipboard.exe`, "clipboard.exe");
    await this.spawn(["/mnt/clipboard.exe", text]).waitForLine(/copied/);
  }

  /** Writes a file onto the PC's disk; returns its Windows path. */
  async write(name: string, text: string): Promise<string> {
    await Deno.writeTextFile(`${this.folder}/${name}`, text);
    return `Z:\\mnt\\${name}`;
  }

  /** Removes a file of the PC's disk. */
  async remove(name: string): Promise<void> {
    await Deno.remove(`${this.folder}/${name}`);
  }

  /** The path on this machine of a file on the PC's disk C. */
  diskC(path: string): string {
    return `${this.folder}/prefix/drive_c/${path}`;
  }

  /** What the client's doctor says. */
  doctor(): Promise<CommandResult> {
    return this.run(["wine", "/mnt/lanparty-client.exe", "doctor"]);
  }

  /** Puts a file onto the PC's disk; returns its Windows path. */
  async place(path: string, name: string): Promise<string> {
    await Deno.copyFile(path, `${this.folder}/${name}`);
    return `Z:\\mnt\\${name}`;
  }

  /** Installs the adapter: its registry keys, and its driver, which starts. */
  async installAdapter(): Promise<void> {
    const settings = await this.place(`${FAKES}/adapter.reg`, "adapter.reg");
    await this.run(["wine", "regedit", "/S", settings]);
    await this.installDriver();
  }

  /** Installs the driver, which starts; the registry knows of no adapter yet. */
  async installDriver(): Promise<void> {
    const fakes = await ensureFakes(this.#root);
    await this.installFakes(...STACK_DLLS);
    await this.setNetwork(...HOME);
    for (const name of ["fake_tap.sys", "wire.exe"]) await this.place(`${fakes}/${name}`, name);
    // deno-fmt-ignore
    await this.run(["wine", "sc", "create", "faketap", "binPath=", "Z:\\mnt\\fake_tap.sys",
      "type=", "kernel"]);
    await this.restart();
    await this.run(["wine", "sc", "start", "faketap"]);
  }

  /** Puts fakes in the place of Wine's DLLs. */
  async installFakes(...names: readonly FakeDll[]): Promise<void> {
    const fakes = await ensureFakes(this.#root);
    for (const name of names.flatMap(filesOf)) {
      const path = `${this.folder}/prefix/drive_c/windows/system32/${name}`;
      await Deno.remove(path).catch(ignoreNotFound);
      await Deno.copyFile(`${fakes}/${name}`, path);
    }
  }

  /** Makes the namespace's TAP and joins it with the adapter: what the PC's own IP stack would be. */
  async connectStack(tap: string, mac: string): Promise<void> {
    const [near, far] = WIRE_PORTS;
    const wire = this.spawn(["/mnt/wire.exe", `${near}`, `${far}`]);
    await wire.waitForLine(/carrying/);
    this.namespace.spawn([
      "socat",
      `UDP4-DATAGRAM:127.0.0.1:${near},bind=127.0.0.1:${far}`,
      `TUN,tun-name=${tap},tun-type=tap,iff-no-pi`,
    ]);
    const deadline = performance.now() + COMMAND_TIMEOUT_MS;
    while (!(await this.namespace.has(tap))) {
      if (performance.now() > deadline) throw new Error("socat made no TAP");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.namespace.ip("link", "set", tap, "address", mac, "mtu", "1400");
    await this.namespace.ip("link", "set", tap, "up");
  }

  /** What was asked of the driver so far. */
  async record(): Promise<DriverRecord> {
    const { stdout } = await this.run(["wine", "/mnt/wire.exe", "record"]);
    const pairs = stdout.trim().split(" ").map((pair) => pair.split("="));
    return Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]));
  }

  /** A text value of the adapter's settings in the registry. */
  async readSetting(name: string): Promise<string | undefined> {
    const key = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\" +
      "{4D36E972-E325-11CE-BFC1-08002BE10318}\\0007";
    const { stdout } = await this.run(["wine", "reg", "query", key, "/v", name], { anyCode: true });
    return /REG_SZ\s+(.*?)\s*$/m.exec(stdout)?.[1];
  }

  /** The calls of the fake DLLs so far that change something, or ask for a way. */
  calls(): Promise<string[]> {
    return this.#readLog("calls.log");
  }

  /** All calls of the fake DLLs so far, those too that only read the PC's interfaces, addresses and routes. */
  allCalls(): Promise<string[]> {
    return this.#readLog("all_calls.log");
  }

  async #readLog(name: string): Promise<string[]> {
    const text = await Deno.readTextFile(`${this.folder}/${name}`).catch(ignoreNotFound) ?? "";
    return text.split("\n").filter((line) => line !== "");
  }

  /** Changes the PC's registry: the lines of a .reg file. */
  async register(...lines: string[]): Promise<void> {
    const path = await this.write("change.reg", ["REGEDIT4", "", ...lines, ""].join("\r\n"));
    await this.run(["wine", "regedit", "/S", path]);
  }

  /** Pulls the adapter out, or puts it in again. */
  async setPresent(present: boolean): Promise<void> {
    await this.run(["wine", "/mnt/wire.exe", present ? "present" : "absent"]);
  }

  /** The PC's own networks from now on, one thing a line: see `tests/windows/fake_iphlpapi.c`. */
  async setNetwork(...lines: string[]): Promise<void> {
    const path = `${this.folder}/network.txt`;
    await Deno.writeTextFile(`${path}.new`, `${lines.join("\n")}\n`);
    await Deno.rename(`${path}.new`, path);
  }

  /** Has the PC at home know a lease of the adapter's, as after Windows' own DHCP client took it. */
  async recordLease({ address, prefixLength, server }: Lease): Promise<void> {
    const network = formatIp(networkOf(parseIpAddress(address)!, prefixLength));
    await this.setNetwork(
      ...HOME,
      `address 7 ${address}/${prefixLength}`,
      `route 7 ${network}/${prefixLength} 0.0.0.0 256`,
    );
    const key = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces\\" +
      WINE_ADAPTER.guid;
    for (const [name, value] of [["DhcpIPAddress", address], ["DhcpServer", server]]) {
      await this.run(["wine", "reg", "add", key, "/v", name, "/d", value, "/f"]);
    }
  }

  /** What programs have set on the PC's networks, as the fake has written it down. */
  async setOfNetwork(): Promise<string[]> {
    const path = `${this.folder}/network_set.txt`;
    return (await Deno.readTextFile(path).catch(ignoreNotFound) ?? "").split("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(["wineserver", "--kill", "--wait"], { anyCode: true });
    await Deno.remove(this.folder, { recursive: true });
  }

  #enter(command: readonly string[]): string[] {
    const script = ["sh", this.#enterScript, this.#root, this.folder];
    return ["unshare", "--mount", "--propagation", "private", ...script, ...command];
  }
}
