/**
 * Networks on one machine, for tests and the demo: network namespaces joined by veths and bridges,
 * programs that run in them, a folder for their files, and a cleanup that leaves nothing behind: not
 * after a failure, not after Ctrl-C or when the terminal is closed, and, at the next start, not after
 * a SIGKILL either.
 *
 * ```ts
 * await using lab = await NetworkLab.open();
 * const left = await lab.namespace("left");
 * const right = await lab.namespace("right");
 * await lab.veth(
 *   { namespace: left, name: "wire", addresses: ["10.9.0.1/24"] },
 *   { namespace: right, name: "wire", addresses: ["10.9.0.2/24"] },
 * );
 * await left.run(["ping", "-c", "1", "10.9.0.2"]);
 * ```
 *
 * Needs root. Outside the namespaces nothing is touched but `/etc/netns/NAME` and the folder.
 */

import { CommandError, type CommandResult, LabProcess, type SpawnOptions } from "./process.ts";

export { CommandError, type CommandResult, LabProcess, type SpawnOptions };

const PREFIX = "lanparty";
/** What namespaces and folders of labs are called: the process id, the lab's number, a name. */
const LAB_NAME = new RegExp(`^${PREFIX}-([0-9]+)-[0-9a-z]+-`);
const NETNS_ETC = "/etc/netns";
const COMMAND_TIMEOUT_MS = 30_000;
const TEMP = Deno.env.get("TMPDIR") || "/tmp";
/** What programs get to end cleanly after Ctrl-C. */
const ABORT_GRACE_MS = 500;
/** What ends a lab, and with which exit code the process that has it: 128 + the signal's number. */
const SIGNALS = [["SIGHUP", 129], ["SIGINT", 130], ["SIGTERM", 143]] as const;

/** How a namespace is made. */
export interface NamespaceOptions {
  /** Whether the namespace forwards IP between its interfaces. Default false. */
  readonly forwarding?: boolean;
  /** Contents of /etc/resolv.conf as programs in it see it. Default: no name server. */
  readonly resolvConf?: string;
  /** Whether IPv6 addresses are checked for duplicates before use (1–2 s). Default false. */
  readonly duplicateAddressDetection?: boolean;
  /** Without IPv6 the kernel says nothing by itself on a new link. Default true. */
  readonly ipv6?: boolean;
}

/** One end of a veth. */
export interface VethEnd {
  readonly namespace: Namespace;
  /** Interface name, at most 15 characters. */
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  /** Addresses with prefix length. */
  readonly addresses?: readonly string[];
  /** A bridge of the same namespace that it becomes a port of. */
  readonly bridge?: string;
  /** Segmentation and checksum offloads. Default true, as on a fresh veth. */
  readonly offloads?: boolean;
}

/** How a command is run to its end. */
export interface RunOptions {
  readonly timeoutMs?: number;
  /** Bytes or text for its standard input. Default: none. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Accept any exit code instead of throwing {@linkcode CommandError}. Default false. */
  readonly anyCode?: boolean;
}

/** Whether this machine and user can make namespaces: why not, or `undefined`. */
export function whyNoNamespaces(): string | undefined {
  if (Deno.build.os !== "linux") return "network namespaces exist on Linux only";
  if (Deno.uid() !== 0) return "network namespaces need root";
  try {
    const { success } = new Deno.Command("ip", { args: ["-V"], stdout: "null" }).outputSync();
    return success ? undefined : "the command ip does not work";
  } catch {
    return "the command ip (iproute2) is missing";
  }
}

/** A namespace of a lab. */
export class Namespace {
  readonly lab: NetworkLab;
  /** The name within the lab. */
  readonly name: string;
  /** The name that `ip netns` knows. */
  readonly fullName: string;

  constructor(lab: NetworkLab, name: string, fullName: string) {
    this.lab = lab;
    this.name = name;
    this.fullName = fullName;
  }

  /**
   * Runs a command in the namespace to its end.
   *
   * @throws {CommandError} if it fails or takes longer than `timeoutMs` (default 30 s).
   */
  async run(command: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const process = this.spawn(command, options);
    if (options.input !== undefined) await process.write(options.input);
    await process.closeInput();
    const timeoutMs = options.timeoutMs ?? COMMAND_TIMEOUT_MS;
    const code = await process.waitExit(timeoutMs).catch(async (error) => {
      await process.stop();
      throw error;
    });
    const result = { code, stdout: process.stdout, stderr: process.stderr };
    if (code !== 0 && !options.anyCode) throw new CommandError(command, result);
    return result;
  }

  /** Starts a program in the namespace. It is ended with the lab at the latest. */
  spawn(command: readonly string[], options: SpawnOptions = {}): LabProcess {
    // `ip netns exec` replaces itself, so the process id is the program's own.
    return this.lab.spawn(["ip", "netns", "exec", this.fullName, ...command], options);
  }

  /** Runs `ip` on the namespace, e.g. `ip("link", "set", "wire", "down")`. */
  async ip(...args: string[]): Promise<string> {
    return (await this.lab.host(["ip", "-n", this.fullName, ...args])).stdout;
  }

  /** Makes a bridge without spanning tree or multicast snooping, and brings it up. */
  async bridge(name: string, options: { addresses?: readonly string[] } = {}): Promise<void> {
    // deno-fmt-ignore
    await this.ip("link", "add", name, "type", "bridge", "stp_state", "0", "forward_delay", "0",
      "mcast_snooping", "0");
    for (const address of options.addresses ?? []) {
      await this.ip("addr", "add", address, "dev", name);
    }
    await this.ip("link", "set", name, "up");
  }

  /** Switches the offloads of an interface. */
  async offloads(interfaceName: string, on: boolean): Promise<void> {
    const word = on ? "on" : "off";
    // deno-fmt-ignore
    const features = ["rx", word, "tx", word, "sg", word, "tso", word, "gso", word, "gro", word];
    await this.run(["ethtool", "-K", interfaceName, ...features]);
  }

  /** The hardware address of an interface, lower case with colons. */
  async macOf(interfaceName: string): Promise<string> {
    return (await this.linkOf(interfaceName)).address;
  }

  /** An interface as the kernel shows it: its index, hardware address, and MTU in bytes. */
  async linkOf(
    interfaceName: string,
  ): Promise<{ readonly ifindex: number; readonly address: string; readonly mtu: number }> {
    return JSON.parse(await this.ip("-json", "link", "show", "dev", interfaceName))[0];
  }

  /** The addresses of an interface with prefix length, IPv4 first. */
  async addressesOf(interfaceName: string): Promise<string[]> {
    const output = await this.ip("-json", "addr", "show", "dev", interfaceName);
    const shown = JSON.parse(output) as {
      addr_info: { family: string; local: string; prefixlen: number }[];
    }[];
    return shown.flatMap((entry) => entry.addr_info)
      .sort((a, b) => a.family.localeCompare(b.family))
      .map((entry) => `${entry.local}/${entry.prefixlen}`);
  }

  /** Whether an interface exists. */
  async has(interfaceName: string): Promise<boolean> {
    const output = await this.ip("-json", "link", "show");
    return (JSON.parse(output) as { ifname: string }[]).some((e) => e.ifname === interfaceName);
  }

  /** Process ids in the namespace. */
  async processIds(): Promise<number[]> {
    const { stdout } = await this.lab.host(["ip", "netns", "pids", this.fullName]);
    return stdout.split("\n").filter((line) => line !== "").map(Number);
  }
}

/** A set of namespaces, links and processes with one life. */
export class NetworkLab implements AsyncDisposable {
  /** Prefix of every namespace's full name: unique on this machine. */
  readonly prefix: string;
  readonly #namespaces = new Map<string, Namespace>();
  readonly #processes = new Set<LabProcess>();
  readonly #onSignal = SIGNALS.map(([signal, code]) => ({
    signal,
    handler: () => this.#handleSignal(code),
  }));
  #signalled: (() => void) | undefined;
  #folder: string | undefined;
  #closed = false;

  /**
   * Opens a lab.
   *
   * @throws {Error} if there can be no namespaces here.
   */
  static open(): Promise<NetworkLab> {
    const reason = whyNoNamespaces();
    if (reason !== undefined) return Promise.reject(new Error(reason));
    removeLeftovers();
    return Promise.resolve(new NetworkLab());
  }

  private constructor() {
    this.prefix = `${PREFIX}-${Deno.pid}-${(labCount++).toString(36)}-`;
    for (const { signal, handler } of this.#onSignal) Deno.addSignalListener(signal, handler);
  }

  /** A folder for files of the lab's programs; made when it is first asked for, gone with the lab. */
  get folder(): string {
    return this.#folder ??= Deno.makeTempDirSync({ dir: TEMP, prefix: this.prefix });
  }

  /** The namespace of a name. */
  get(name: string): Namespace {
    const namespace = this.#namespaces.get(name);
    if (namespace === undefined) throw new Error(`the lab has no namespace ${name}`);
    return namespace;
  }

  /** Makes a namespace with its loopback up, its own resolv.conf and quiet IPv6. */
  async namespace(name: string, options: NamespaceOptions = {}): Promise<Namespace> {
    if (this.#closed) throw new Error("the lab is closed");
    if (this.#namespaces.has(name)) throw new Error(`there is a namespace ${name} already`);
    const namespace = new Namespace(this, name, this.prefix + name);
    this.#namespaces.set(name, namespace);
    makeFolder(`${NETNS_ETC}/${namespace.fullName}`);
    this.setResolvConf(namespace, options.resolvConf ?? "# no name server\n");
    await this.host(["ip", "netns", "add", namespace.fullName]);
    await namespace.ip("link", "set", "lo", "up");
    const forwarding = options.forwarding ? 1 : 0;
    const detection = options.duplicateAddressDetection ? 1 : 0;
    const noIpv6 = options.ipv6 === false ? 1 : 0;
    await this.#sysctl(namespace, {
      "net/ipv4/ip_forward": forwarding,
      "net/ipv6/conf/all/forwarding": forwarding,
      "net/ipv6/conf/all/accept_dad": detection,
      "net/ipv6/conf/default/accept_dad": detection,
      "net/ipv6/conf/default/router_solicitations": 0,
      "net/ipv4/ping_group_range": "0 2147483647",
      "net/ipv6/conf/all/disable_ipv6": noIpv6,
      "net/ipv6/conf/default/disable_ipv6": noIpv6,
    });
    return namespace;
  }

  /** Sets what programs started from now on see as /etc/resolv.conf. */
  setResolvConf(namespace: Namespace, text: string): void {
    Deno.writeTextFileSync(`${NETNS_ETC}/${namespace.fullName}/resolv.conf`, text);
  }

  /**
   * Sets what programs in it see as /etc/hosts: those that are started from now on, and, if it was set
   * before, those that run.
   */
  setHosts(namespace: Namespace, text: string): void {
    Deno.writeTextFileSync(`${NETNS_ETC}/${namespace.fullName}/hosts`, text);
  }

  /** Joins two namespaces by a veth, both ends up. */
  async veth(left: VethEnd, right: VethEnd): Promise<void> {
    // deno-fmt-ignore
    await this.host(["ip", "link", "add", left.name, "netns", left.namespace.fullName,
      "type", "veth", "peer", "name", right.name, "netns", right.namespace.fullName]);
    for (const end of [left, right]) {
      const { namespace, name } = end;
      if (end.mac !== undefined) await namespace.ip("link", "set", name, "address", end.mac);
      if (end.mtu !== undefined) await namespace.ip("link", "set", name, "mtu", `${end.mtu}`);
      if (end.bridge !== undefined) await namespace.ip("link", "set", name, "master", end.bridge);
      if (end.offloads === false) await namespace.offloads(name, false);
      for (const address of end.addresses ?? []) {
        await namespace.ip("addr", "add", address, "dev", name);
      }
    }
    for (const { namespace, name } of [left, right]) await namespace.ip("link", "set", name, "up");
  }

  /** Runs a command outside the namespaces to its end; for `ip` and the like. */
  async host(command: readonly string[]): Promise<CommandResult> {
    const process = this.spawn(command);
    await process.closeInput();
    const code = await process.waitExit(COMMAND_TIMEOUT_MS);
    const result = { code, stdout: process.stdout, stderr: process.stderr };
    if (code !== 0) throw new CommandError(command, result);
    return result;
  }

  /** Starts a program outside the namespaces. It is ended with the lab at the latest. */
  spawn(command: readonly string[], options: SpawnOptions = {}): LabProcess {
    if (this.#closed) throw new Error("the lab is closed");
    const process = new LabProcess(command, options);
    this.#processes.add(process);
    process.exited.then(() => this.#processes.delete(process));
    return process;
  }

  /** Ends all processes and removes everything. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#processes].map((process) => process.stop()));
    this.#remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Waits for Ctrl-C, or what else would end the lab; from then on the caller must close it. */
  async untilSignal(): Promise<void> {
    await new Promise<void>((resolve) => this.#signalled = resolve);
    this.#signalled = undefined;
  }

  #handleSignal(code: number): void {
    if (this.#signalled !== undefined) return this.#signalled();
    if (!this.#closed) this.#abort(code);
  }

  /** Removes everything at once, and ends this process as the signal would have. */
  #abort(code: number): void {
    this.#closed = true;
    for (const process of this.#processes) process.kill("SIGTERM");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ABORT_GRACE_MS);
    for (const process of this.#processes) process.kill("SIGKILL");
    this.#remove();
    Deno.exit(code);
  }

  #remove(): void {
    this.#forgetSignals();
    for (const namespace of this.#namespaces.values()) removeNamespace(namespace.fullName);
    removeEmptyFolder(NETNS_ETC);
    if (this.#folder !== undefined) removeTree(this.#folder);
  }

  #forgetSignals(): void {
    for (const { signal, handler } of this.#onSignal) Deno.removeSignalListener(signal, handler);
  }

  async #sysctl(
    namespace: Namespace,
    values: Readonly<Record<string, number | string>>,
  ): Promise<void> {
    // A kernel without IPv6 has no such files: then there is nothing to set.
    const script = Object.entries(values)
      .map(([path, value]) => `[ ! -e /proc/sys/${path} ] || echo ${value} > /proc/sys/${path}`)
      .join("\n");
    await namespace.run(["sh", "-c", `set -e\n${script}`]);
  }
}

let labCount = 0;

/** Ends every process that still runs in a namespace of ours (daemons among them) and removes it. */
function removeNamespace(fullName: string): void {
  const pids = ipSync(["netns", "pids", fullName]).split("\n").filter((line) => line !== "");
  for (const pid of pids.map(Number)) {
    if (pid === Deno.pid) throw new Error("this process is still in a namespace that ends");
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
  ipSync(["netns", "del", fullName]);
  removeTree(`${NETNS_ETC}/${fullName}`);
}

/** Makes a folder; another lab may remove its empty parent in the same moment. */
function makeFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch {
    Deno.mkdirSync(path, { recursive: true });
  }
}

/** Removes a folder if it is empty. */
function removeEmptyFolder(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It holds other people's files, or is not there.
  }
}

/** Removes a folder with all that is in it. */
function removeTree(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes what labs have left whose process was killed, and ends what still runs there. */
function removeLeftovers(): void {
  for (const line of ipSync(["netns", "list"]).split("\n")) {
    const name = line.split(" ")[0];
    if (isLeftover(name)) removeNamespace(name);
  }
  for (const { name } of Deno.readDirSync(TEMP)) {
    if (isLeftover(name)) removeTree(`${TEMP}/${name}`);
  }
}

/** Whether something bears the name of a lab whose process is no more. */
function isLeftover(name: string): boolean {
  const pid = LAB_NAME.exec(name)?.[1];
  return pid !== undefined && !isAlive(pid);
}

function isAlive(pid: string): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}

function ipSync(args: string[]): string {
  const output = new Deno.Command("ip", { args, stdin: "null", stderr: "null" }).outputSync();
  return new TextDecoder().decode(output.stdout);
}
