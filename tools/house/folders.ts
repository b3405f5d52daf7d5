/**
 * The rooms of `src`: what each is for, and whom it may import. The tests hold the sources to it, and
 * ARCHITECTURE.md's table is made of it (`deno task docs`).
 */

/** A room of `src`. */
export interface FolderRule {
  /** What is in it, for people. */
  readonly what: string;
  /** The rooms that it may import. */
  readonly folders: readonly string[];
  /** Packages that it may import, by the names of the import map. */
  readonly packages?: readonly string[];
  /** No `Deno`, clock, randomness, timers, async or console: values in, values out. */
  readonly pure?: boolean;
  /** May call `Deno.dlopen` and hold pointers. */
  readonly native?: boolean;
}

const CORE = ["proto", "control", "observe", "queue"];
const NATIVE_USER = ["ffi", "reactor", "proto", "queue"];
/** What every program's shell may use. */
const SHELL = [...CORE, "log", "reactor", "system/files", "system/journal", "system/process"];

/** Facilities of the machine. */
function system(...facilities: readonly string[]): readonly string[] {
  return facilities.map((facility) => `system/${facility}`);
}

/** All rooms, by their paths below `src`. A room inside of another is one of its own. */
export const FOLDERS: Readonly<Record<string, FolderRule>> = {
  proto: {
    what: "MACs, Ethernet, IP addresses and numbers, DHCP's layout, datagram header, split and " +
      "reassembly, MTU: bytes only",
    folders: [],
    pure: true,
  },
  queue: {
    what: "the buffer pool, flows, the fair queue in front of each target",
    folders: ["proto"],
    pure: true,
  },
  control: {
    what: "control messages, framing, room codes, addresses, keys, invites",
    folders: ["proto"],
    packages: ["zod"],
    pure: true,
  },
  observe: {
    what: "counters, drop reasons, frame log, status lines, diagnostics",
    folders: ["proto"],
    pure: true,
  },
  filter: {
    what:
      "what a party must not carry, and who may speak for which address: for relay, gateway and " +
      "client",
    folders: ["proto", "observe"],
    pure: true,
  },
  relay: {
    what: "rooms, admission, forwarding, limits, bans",
    folders: [...CORE, "filter"],
    pure: true,
  },
  "relay/workers": {
    what:
      "several processes of one relay: supervision, ports, whose room it is, where endpoints are " +
      "sent on to",
    folders: ["proto", "control", "relay"],
    pure: true,
  },
  endpoint: {
    what:
      "what client and gateway share: session, reconnection, frame path, and the endpoint that is made " +
      "of them and a core",
    folders: CORE,
    pure: true,
  },
  offload: {
    what:
      "what network cards do for a kernel: checksums completed, super-frames cut, and single frames joined " +
      "to super-frames",
    folders: ["proto"],
    pure: true,
  },
  gateway: {
    what: "bridge rules, CAM refresh, loop guard, broadcast limit",
    folders: [...CORE, "filter", "endpoint", "offload"],
    pure: true,
  },
  client: {
    what:
      "TAP rules, what the LAN may tell (DHCP, DHCPv6, routers), identity, routes, whom the firewall " +
      "lets in",
    folders: [...CORE, "filter", "endpoint"],
    pure: true,
  },
  trust: {
    what: "certificates: checking and making them",
    folders: ["proto"],
    packages: ["@peculiar/x509", "asn1js", "node:crypto", "node:url"],
  },
  ffi: {
    what: "symbols, struct layouts and constants of libc, of Windows' DLLs and of msquic: data",
    folders: [],
    native: true,
  },
  reactor: { what: "the event loop", folders: ["ffi"], packages: ["node:timers"], native: true },
  quic: {
    what: "msquic: listener, connection, stream",
    folders: [...NATIVE_USER, ...system("environment", "resolver")],
    native: true,
  },
  link: {
    what: "packet socket and TAP",
    folders: [...NATIVE_USER, "offload", ...system("netlink", "registry")],
    native: true,
  },
  "system/adapter": {
    what: "Windows' network adapter: its settings and addresses, its device, its driver's package",
    folders: ["ffi", "proto", "system/process", "system/registry"],
    native: true,
  },
  "system/certificates": {
    what: "whether the system trusts a server's certificate",
    folders: ["ffi", "system/process"],
    native: true,
  },
  "system/clipboard": {
    what: "what the user has copied",
    folders: ["ffi"],
    native: true,
  },
  "system/command": {
    what: "programs of the system's that are asked to do something",
    folders: ["system/files"],
  },
  "system/com": {
    what: "Windows' component objects",
    folders: ["ffi"],
    native: true,
  },
  "system/console": {
    what: "the console that a program runs in on Windows",
    folders: ["ffi"],
    native: true,
  },
  "system/environment": {
    what: "the environment, as C libraries see it, and without its secrets",
    folders: ["ffi"],
    native: true,
  },
  "system/files": {
    what: "files that are whole or absent, whose they are, where state is kept",
    folders: ["system/folders", "system/process"],
    packages: ["node:crypto"],
  },
  "system/firewall": {
    what: "the firewall that keeps the LAN out: its state, and rules that let something in",
    folders: ["ffi", ...system("com", "command", "journal", "netlink")],
  },
  "system/folders": {
    what: "the client's folder among Windows' programs, and who may write there",
    folders: ["ffi"],
    native: true,
  },
  "system/instance": {
    what: "one process at a time",
    folders: ["system/files", "system/process"],
  },
  "system/journal": {
    what: "changes to the machine, written down before they are made, and how they are undone",
    folders: ["system/files", "system/process"],
  },
  "system/links": {
    what: "which program opens links of ours",
    folders: ["system/files", "system/registry"],
  },
  "system/managers": {
    what: "programs that manage all of a Linux system's networks: how they are kept off an adapter",
    folders: ["system/command", "system/files", "system/journal"],
  },
  "system/names": {
    what: "the name servers of an interface, by whatever looks after the system's",
    folders: ["system/command", "system/files", "system/journal"],
  },
  "system/netlink": {
    what: "Linux' netlink: questions and requests about routes, and notices",
    folders: ["ffi"],
  },
  "system/power": {
    what: "whether the machine was asleep",
    folders: ["ffi"],
  },
  "system/process": {
    what: "processes: identity, their end, arguments, pipes",
    folders: ["ffi", "reactor"],
    native: true,
  },
  "system/registry": {
    what: "Windows' registry",
    folders: ["ffi"],
    native: true,
  },
  "system/reach": {
    what: "what becomes of a UDP packet, by what ICMP says; whether there is a way at all",
    folders: ["ffi"],
    native: true,
  },
  "system/resolver": {
    what: "from a host's name to addresses",
    folders: ["ffi"],
    native: true,
  },
  "system/rights": {
    what: "capabilities, root, administrators",
    folders: ["ffi"],
    native: true,
  },
  "system/routes": {
    what: "the tables of routes of Linux and Windows, and the way that each takes",
    folders: ["ffi", "proto", "system/netlink"],
    native: true,
  },
  "system/service": {
    what: "what systemd is told of the program",
    folders: ["ffi"],
  },
  "system/signals": {
    what: "how Windows ends a program: window, log-off, shutdown",
    folders: ["ffi"],
    native: true,
  },
  "system/units": {
    what: "services of systemd's that programs make of themselves",
    folders: ["system/command", "system/files"],
  },
  "system/udp": {
    what: "how many datagrams may wait to be read, and how many were lost",
    folders: ["ffi"],
    native: true,
  },
  log: {
    what: "logging, lines to a terminal, errors that a user can mend",
    folders: ["ffi", "proto", ...system("console", "files")],
    packages: ["@logtape/logtape"],
  },
  serve: {
    what:
      "status pages and metrics over HTTP, the administrator's socket: given values, it never " +
      "reaches into a core",
    folders: ["observe", "control", "proto"],
  },
  "programs/common": {
    what:
      "what the shells of several programs share: native library, state folder, pages, units, the " +
      "frame log's file",
    folders: [...SHELL, ...system("environment", "folders", "udp", "units"), "quic", "serve"],
  },
  "programs/endpoint": {
    what: "the shell of a session with a relay: QUIC, trust, tokens, leaving",
    folders: [
      ...[...SHELL, "endpoint", "filter", "trust", "ffi", "quic", "programs/common"],
      ...system("certificates", "environment", "instance", "reach", "signals"),
    ],
  },
  "programs/client": {
    what: "lanparty-client: the adapter, this PC's networks, the doctor; Linux and Windows",
    folders: [
      ...[...SHELL, "client", "endpoint", "ffi", "link"],
      ...system(
        "adapter",
        "command",
        "firewall",
        "folders",
        "managers",
        "names",
        "netlink",
        "power",
      ),
      ...system("registry", "rights", "routes", "signals"),
      ...["programs/common", "programs/endpoint"],
    ],
  },
  "programs/gateway": {
    what: "lanparty-gateway: the LAN's interface, its offloads, the host's socket, the live line",
    folders: [
      ...[...SHELL, "gateway", "endpoint", "ffi", "link", "serve", "system/rights"],
      ...["programs/common", "programs/endpoint"],
    ],
  },
  "programs/relay": {
    what: "lanparty-relay: listeners, certificate, bans on disk, pages",
    folders: [
      ...[...SHELL, "relay", "relay/workers", "trust", "quic", "serve"],
      ...["programs/common", "programs/relay/workers"],
      ...system("firewall", "service", "units"),
    ],
  },
  "programs/relay/workers": {
    what:
      "the processes of `--reactors`: the supervisor, and what it and a worker say to each other",
    folders: [
      ...[...SHELL, "relay", "relay/workers", "trust", "quic", "serve"],
      ...["programs/common", "programs/relay"],
    ],
  },
  cli: {
    what: "command lines; the three compile entries",
    folders: [
      ...[...CORE, "relay", "relay/workers", "client", "trust", "link", "log", "serve"],
      ...system("clipboard", "console", "environment", "files", "links", "units"),
      ...["programs/common", "programs/endpoint", "programs/client", "programs/gateway"],
      ...["programs/relay", "programs/relay/workers"],
    ],
    packages: ["qr", "smol-toml", "zod"],
  },
};

/** The room that a file of `src` is in: the innermost one; else the first folder. */
export function folderOf(path: string): string {
  const parts = path.split("/").slice(1, -1);
  for (let length = parts.length; length > 0; length--) {
    const folder = parts.slice(0, length).join("/");
    if (FOLDERS[folder] !== undefined) return folder;
  }
  return parts[0] ?? "";
}
