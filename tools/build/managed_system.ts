/** A Debian with systemd and with every program that manages a Linux system's networks, for tests that boot it. */
import { cached, hashOf, prune } from "./cache.ts";
import { Log, run } from "./process.ts";
import { step } from "./progress.ts";

const SUITE = "trixie";
const VARIANT = "minbase";
/** Debian's own choice of what belongs together; systemd-nspawn, which boots it, lies inside, too. */
const PACKAGES = [
  ...["systemd", "systemd-sysv", "systemd-container", "dbus", "procps", "iproute2", "iputils-ping"],
  ...["network-manager", "systemd-resolved", "dhcpcd-base", "ifupdown"],
] as const;
/** A test starts the one that it is about. */
const SERVICES = [
  ...["NetworkManager", "NetworkManager-wait-online", "NetworkManager-dispatcher", "networking"],
  ...["systemd-networkd", "systemd-networkd-wait-online", "systemd-resolved"],
] as const;

/** A root file system is made anew each month, so that it follows its distribution. */
async function key(): Promise<string> {
  const month = new Date().toISOString().slice(0, 7);
  return await hashOf([SUITE, VARIANT, ...PACKAGES, ...SERVICES, Deno.build.target, month]);
}

/**
 * The root file system's folder, made by debootstrap (as root) at first use. It is shared: whoever boots it puts a
 * file system of its own above.
 */
export async function ensureManagedSystem(): Promise<string> {
  const folder = await cached("managed-system", await key(), async (target) => {
    const log = await Log.open("debootstrap-managed");
    const root = `${target}/root`;
    try {
      await step("a Debian with systemd for the tests: debootstrap", async () => {
        const include = `--include=${PACKAGES.join()}`;
        await run(log, ["debootstrap", `--variant=${VARIANT}`, include, SUITE, root]);
        await run(log, ["chroot", root, "systemctl", "disable", ...SERVICES]);
        await run(log, ["rm", "-rf", `${root}/var/cache/apt`, `${root}/etc/resolv.conf`]);
      });
    } finally {
      log.close();
    }
  });
  await prune("managed-system", 1);
  return `${folder}/root`;
}
