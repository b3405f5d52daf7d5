/**
 * Root file systems of Debian, made by debootstrap (as root) at first use. They are shared: whoever uses one mounts it
 * read-only, or puts a file system of its own above.
 */
import { cached, hashOf, prune } from "./cache.ts";
import { Log, run } from "./process.ts";
import { step } from "./progress.ts";

const VARIANT = "minbase";

/** What a system is made of. */
interface DebianSystem {
  /** The cache's folder. */
  readonly name: string;
  readonly suite: string;
  /** For whoever waits for it. */
  readonly what: string;
  readonly packages: readonly string[];
  /** What debootstrap cannot configure by itself (firewalld wants polkitd). */
  readonly laterPackages: readonly string[];
  /** A test starts the one that it is about. */
  readonly disabledServices: readonly string[];
}

/** A bare Debian 12: its smallest root file system, without Deno and without any library of ours. */
const BARE: DebianSystem = {
  name: "bare-system",
  suite: "bookworm",
  what: "a bare Debian 12 for the tests",
  packages: [],
  laterPackages: [],
  disabledServices: [],
};

/** A Debian with systemd and every program that manages a Linux system's networks or its firewall, for tests that boot it. */
const MANAGED: DebianSystem = {
  name: "managed-system",
  suite: "trixie",
  what: "a Debian with systemd for the tests",
  // Debian's own choice of what belongs together; systemd-nspawn, which boots it, lies inside, too.
  packages: [
    ...["systemd", "systemd-sysv", "systemd-container", "dbus", "procps", "iproute2"],
    ...["iputils-ping", "network-manager", "systemd-resolved", "dhcpcd-base", "ifupdown"],
  ],
  laterPackages: ["nftables", "iptables", "ufw", "firewalld"],
  disabledServices: [
    ...["NetworkManager", "NetworkManager-wait-online", "NetworkManager-dispatcher", "networking"],
    ...["systemd-networkd", "systemd-networkd-wait-online", "systemd-resolved"],
    ...["ufw", "firewalld", "nftables"],
  ],
};

/** The folder of {@linkcode BARE}. */
export function ensureBareSystem(): Promise<string> {
  return ensureSystem(BARE);
}

/** The folder of {@linkcode MANAGED}. */
export function ensureManagedSystem(): Promise<string> {
  return ensureSystem(MANAGED);
}

/** A system is made anew each month, so that it follows its distribution. */
async function keyOf(system: DebianSystem): Promise<string> {
  const { suite, packages, laterPackages, disabledServices } = system;
  const month = new Date().toISOString().slice(0, 7);
  return await hashOf([
    ...[suite, VARIANT, ...packages, ...laterPackages, ...disabledServices],
    ...[Deno.build.target, month],
  ]);
}

async function ensureSystem(system: DebianSystem): Promise<string> {
  const { name, suite, what, packages, laterPackages, disabledServices } = system;
  const folder = await cached(name, await keyOf(system), async (target) => {
    const log = await Log.open(`debootstrap-${name}`);
    const root = `${target}/root`;
    const options = [
      `--variant=${VARIANT}`,
      ...(packages.length > 0 ? [`--include=${packages.join()}`] : []),
    ];
    try {
      await step(`${what}: debootstrap`, async () => {
        await run(log, ["debootstrap", ...options, suite, root]);
        if (disabledServices.length === 0) return;
        const install = ["apt-get", "install", "--yes", "--no-install-recommends"];
        await run(log, [
          ...["chroot", root, "env", "DEBIAN_FRONTEND=noninteractive"],
          ...[...install, ...laterPackages],
        ]);
        await run(log, ["chroot", root, "systemctl", "disable", ...disabledServices]);
        await run(log, ["rm", "-rf", `${root}/var/cache/apt`, `${root}/etc/resolv.conf`]);
      });
    } finally {
      log.close();
    }
  });
  await prune(name, 1);
  return `${folder}/root`;
}
