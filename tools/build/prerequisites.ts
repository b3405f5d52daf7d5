/**
 * What the tools need from the system, found before anything starts: as root the missing Debian packages
 * are installed and named, otherwise one line says what to install.
 */
import { BuildError } from "./cache.ts";
import { findCommand, findWorking, Log, outputOf, run } from "./process.ts";
import { step } from "./progress.ts";

/** One thing that must be there: the package that brings it, and how to see whether it is there. */
export interface Prerequisite {
  readonly debianPackage: string;
  /** Any one of these commands will do. */
  readonly commands?: readonly string[];
  /** A file that must exist. */
  readonly file?: string;
  /** A command that must succeed: its name, found anywhere on the search path, and its arguments. */
  readonly works?: readonly [string, ...string[]];
  /** What it would have the system run from now on: it is not started, and not at the next boot. */
  readonly services?: readonly string[];
}

/** The certificates that the system trusts, in one file. */
export const SYSTEM_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** Tells a Python that has its package installer from one that lacks it. */
export const PIP_VERSION = ["python3", "-m", "pip", "--version"] as const;

/** Building libmsquic. Its sources come by cargo: rustup's will do as well as Debian's. */
export const NATIVE_LIBRARY: readonly Prerequisite[] = [
  { debianPackage: "cargo", works: ["cargo", "--version"] },
  { debianPackage: "ca-certificates", file: SYSTEM_CERTIFICATES },
  { debianPackage: "patch", commands: ["patch"] },
  { debianPackage: "cmake", commands: ["cmake"] },
  { debianPackage: "make", commands: ["make"] },
  { debianPackage: "g++", commands: ["g++"] },
  {
    debianPackage: "perl",
    works: ["perl", "-MFindBin", "-MIPC::Cmd", "-MFile::Compare", "-e", "1"],
  },
  ...compiler(),
];

/** Cross-compiling for Windows: msquic.dll, and the fake drivers and DLLs of the tests. */
export const MINGW: readonly Prerequisite[] = [
  { debianPackage: "gcc-mingw-w64-x86-64-win32", commands: ["x86_64-w64-mingw32-gcc"] },
];

/** Compiling the C programs of the tests, also against msquic's source without our patches. */
export const C_PROGRAMS: readonly Prerequisite[] = [
  ...compiler(),
  { debianPackage: "patch", commands: ["patch"] },
];

/** Fuzzers of msquic. The runtime's package bears clang's version: this is Debian 12's. */
export const FUZZING: readonly Prerequisite[] = [
  { debianPackage: "clang", commands: ["clang"] },
  {
    debianPackage: "libclang-rt-14-dev",
    works: ["sh", "-c", 'test -f "$(clang -print-runtime-dir)/libclang_rt.fuzzer-x86_64.a"'],
  },
];

function compiler(): readonly Prerequisite[] {
  return [
    { debianPackage: "gcc", commands: ["gcc"] },
    { debianPackage: "libc6-dev", file: "/usr/include/stdio.h" },
    { debianPackage: "linux-libc-dev", file: "/usr/include/linux/if_packet.h" },
  ];
}

/** The compile runtime from the package registry, where Deno's own download cannot be reached. */
export const PYTHON_PACKAGES: readonly Prerequisite[] = [
  { debianPackage: "python3-pip", works: PIP_VERSION },
  { debianPackage: "ca-certificates", file: SYSTEM_CERTIFICATES },
];

/** Network namespaces and what is played in them: the demo, the benches, the end-to-end tests. */
export const NETWORK_PLAY: readonly Prerequisite[] = [
  { debianPackage: "iproute2", commands: ["ip"] },
  { debianPackage: "iputils-ping", commands: ["ping"] },
  { debianPackage: "iperf3", commands: ["iperf3"] },
  { debianPackage: "tcpdump", commands: ["tcpdump"] },
  { debianPackage: "dnsmasq-base", commands: ["dnsmasq"] },
  { debianPackage: "nftables", commands: ["nft"] },
  { debianPackage: "ethtool", commands: ["ethtool"] },
  { debianPackage: "socat", commands: ["socat"] },
];

/** Networks that let nothing through. */
export const PACKET_FILTER: readonly Prerequisite[] = [
  { debianPackage: "nftables", commands: ["nft"] },
];

/** The DHCP client that stands in for Windows' own. */
export const UDHCPC: readonly Prerequisite[] = [
  { debianPackage: "udhcpc", commands: ["udhcpc"] },
];

/** A program that manages all networks of a system: the tests start it in namespaces only. */
export const NETWORK_MANAGERS: readonly Prerequisite[] = [
  { debianPackage: "dhcpcd-base", commands: ["dhcpcd"] },
];

/** Judging the printed units. */
export const UNIT_JUDGE: readonly Prerequisite[] = [
  { debianPackage: "systemd", commands: ["systemd-analyze"] },
];

/** Looking at the relay's page. */
export const BROWSER: readonly Prerequisite[] = [
  { debianPackage: "chromium", commands: ["chromium"] },
];

/** Taking a package apart without installing it: see `unpackedPackage`. */
export const UNPACKING: readonly Prerequisite[] = [
  { debianPackage: "dpkg", commands: ["dpkg-deb"] },
  { debianPackage: "apt", commands: ["apt-get"] },
];

/** Other people's tunnels, which ours are measured beside: some are compiled, one sets its adapter by ifconfig. */
export const RIVALS: readonly Prerequisite[] = [
  ...UNPACKING,
  ...compiler(),
  { debianPackage: "cargo", works: ["cargo", "--version"] },
  { debianPackage: "golang-go", works: ["go", "version"] },
  { debianPackage: "openssl", commands: ["openssl"] },
  { debianPackage: "net-tools", commands: ["ifconfig"] },
];

/** Name services of real hosts; the tests start them in namespaces only. */
export const NAME_SERVICES: readonly Prerequisite[] = [
  { debianPackage: "dbus", commands: ["dbus-daemon"] },
  {
    debianPackage: "avahi-daemon",
    commands: ["avahi-daemon"],
    services: ["avahi-daemon.service", "avahi-daemon.socket"],
  },
  { debianPackage: "avahi-utils", commands: ["avahi-browse"] },
  {
    debianPackage: "samba",
    commands: ["nmbd"],
    services: ["nmbd.service", "smbd.service", "samba-ad-dc.service"],
  },
  { debianPackage: "samba-common-bin", commands: ["nmblookup"] },
];

/** The test that runs the executables in a bare system. */
export const BARE_SYSTEM: readonly Prerequisite[] = [
  { debianPackage: "debootstrap", commands: ["debootstrap"] },
];

/** Those of the prerequisites that are not met, as names of Debian packages, each once and in order. */
export async function missingPackages(wanted: readonly Prerequisite[]): Promise<string[]> {
  const missing = new Set<string>();
  for (const prerequisite of wanted) {
    if (!missing.has(prerequisite.debianPackage) && !(await isMet(prerequisite))) {
      missing.add(prerequisite.debianPackage);
    }
  }
  return [...missing];
}

async function isMet({ commands, file, works }: Prerequisite): Promise<boolean> {
  if (commands) {
    const found = await Promise.all(commands.map((name) => findCommand(name)));
    if (found.every((path) => path === undefined)) return false;
  }
  if (file && !(await Deno.stat(file).catch(() => undefined))) return false;
  if (works === undefined) return true;
  const [name, ...args] = works;
  return (await findWorking(name, args)) !== undefined;
}

/** Installs what is missing where this process may, and throws a one-line error where it may not. */
export async function ensurePrerequisites(wanted: readonly Prerequisite[]): Promise<void> {
  const packages = await missingPackages(wanted);
  if (packages.length === 0) return;
  const line = `apt-get install ${packages.join(" ")}`;
  if ((await findCommand("apt-get")) === undefined) {
    throw new BuildError(`missing, by the names of Debian's packages: ${packages.join(" ")}`);
  }
  if (Deno.uid() !== 0) throw new BuildError(`missing packages; as root: ${line}`);
  const services = wanted.filter(({ debianPackage }) => packages.includes(debianPackage))
    .flatMap((prerequisite) => prerequisite.services ?? []);
  await step(
    `installing ${packages.join(" ")}`,
    () => withoutServices(services, () => install(packages)),
  );
  const still = await missingPackages(wanted);
  if (still.length > 0) {
    throw new BuildError(`installed, and yet not found: ${still.join(" ")}; look at: ${line}`);
  }
}

/** Asked by Debian's packages whether they may start a service (invoke-rc.d(8)). */
const SERVICE_POLICY_FILE = "/usr/sbin/policy-rc.d";
const START_NO_SERVICE =
  "#!/bin/sh\n# Made by lanparty's tools while they install packages.\nexit 101\n";

/** Installs what would start services, without that: not now, and not at the next boot. */
async function withoutServices(
  services: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  if (services.length === 0) return await work();
  let ours = true;
  try {
    Deno.writeTextFileSync(SERVICE_POLICY_FILE, START_NO_SERVICE, { createNew: true, mode: 0o755 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    // Somebody's own, as in containers; or one that an interrupted installation has left.
    ours = Deno.readTextFileSync(SERVICE_POLICY_FILE) === START_NO_SERVICE;
  }
  try {
    await work();
    await outputOf(["systemctl", "--quiet", "disable", ...services]);
  } finally {
    if (ours) Deno.removeSync(SERVICE_POLICY_FILE);
  }
}

async function install(packages: readonly string[]): Promise<void> {
  const log = await Log.open("apt");
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = () =>
    run(log, ["apt-get", "install", "-y", "-q", "--no-install-recommends", ...packages], { env });
  const update = () => run(log, ["apt-get", "update", "-q"], { env });
  try {
    if (!(await knowsAll(packages))) await update();
    // The lists may be older than what the mirror still has: then they are fetched anew, once.
    await install().catch(async () => {
      await update();
      await install();
    });
  } finally {
    log.close();
  }
}

/** Whether apt's lists name a version of every package. */
async function knowsAll(packages: readonly string[]): Promise<boolean> {
  const policy = await outputOf(["apt-cache", "policy", ...packages]) ?? "";
  const candidates = policy.match(/^ {2}Candidate: (?!\(none\))/gm) ?? [];
  return candidates.length === packages.length;
}
