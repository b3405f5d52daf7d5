/**
 * A Debian with systemd that runs in a namespace of a lab, as a player's PC does: booted in a container, with the
 * host's kernel and at its speed. What it writes is in memory, and gone with it.
 */
import { ensureManagedSystem } from "../../tools/build/debian_systems.ts";
import type { CommandResult, LabProcess, Namespace } from "../../tools/lab/netns.ts";
import { eventually } from "../../tools/lab/wait.ts";

const BOOT_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
/**
 * systemd-nspawn is that of the system itself: it needs the root for its own. The host's mounts are left alone: all of
 * this is in a mount namespace of its own.
 */
const BOOT = `
set -e
system=$1; network=$2; work=$3; shift 3
mount -t tmpfs -o size=1g work "$work"
mkdir "$work/nspawn" "$work/nspawn-work" "$work/host" "$work/changes" "$work/changes-work" "$work/machine"
mount -t overlay -o "lowerdir=$system,upperdir=$work/nspawn,workdir=$work/nspawn-work" host "$work/host"
mount -t overlay -o "lowerdir=$system,upperdir=$work/changes,workdir=$work/changes-work" machine "$work/machine"
binds=
cd "$work/host"
mkdir machine old shared
mount --move "$work/machine" machine
for path in "$@"; do
  mkdir -p "shared$path"; mount --bind "$path" "shared$path"; binds="$binds --bind=/shared$path:$path"
done
touch network; mount --bind "/run/netns/$network" network
mount --rbind /dev dev; mount -t proc proc proc; mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
pivot_root . old; umount -l /old
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network PATH=/usr/bin:/usr/sbin
exec systemd-nspawn --quiet --register=no --keep-unit --directory=/machine --network-namespace-path=/network \
  --bind=/dev/net/tun --capability=all --console=pipe --resolv-conf=off $binds --boot
`;
const PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/** See the module. */
export class Machine implements AsyncDisposable {
  readonly #namespace: Namespace;
  readonly #nspawn: LabProcess;
  #leader = 0;

  private constructor(namespace: Namespace, nspawn: LabProcess) {
    this.#namespace = namespace;
    this.#nspawn = nspawn;
  }

  /**
   * Boots it.
   *
   * @param shared folders of the host's that it has under the same paths
   */
  static async boot(namespace: Namespace, shared: readonly string[]): Promise<Machine> {
    const system = await ensureManagedSystem();
    const { lab, name, fullName } = namespace;
    const work = `${lab.folder}/machine-${name}`;
    await Deno.mkdir(work);
    const enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", BOOT, "boot"];
    const nspawn = lab.spawn([...enter, system, fullName, work, ...shared]);
    const machine = new Machine(namespace, nspawn);
    await eventually("systemd runs", () => machine.#isUp(), BOOT_TIMEOUT_MS).catch(
      async (error) => {
        await nspawn.stop();
        throw new Error(`${error}\n${nspawn.stderr}${nspawn.stdout}`);
      },
    );
    return machine;
  }

  async #isUp(): Promise<boolean> {
    this.#leader = childOf(this.#nspawn.pid);
    if (this.#leader === 0) return false;
    const { stdout } = await this.run(["systemctl", "is-system-running"], true);
    return /running|degraded/.test(stdout);
  }

  /** A command that runs inside. */
  command(words: readonly string[]): string[] {
    const spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--cgroup"];
    const environment = ["env", "-i", `PATH=${PATH}`, "LC_ALL=C.UTF-8"];
    return ["nsenter", `--target=${this.#leader}`, ...spaces, ...environment, ...words];
  }

  /**
   * Runs a command inside to its end.
   *
   * @throws {CommandError} it fails
   */
  run(words: readonly string[], anyCode = false): Promise<CommandResult> {
    return this.#namespace.run(this.command(words), { anyCode });
  }

  /** Starts a program inside. */
  spawn(words: readonly string[]): LabProcess {
    return this.#namespace.spawn(this.command(words));
  }

  /** Sends a signal to a program that was started inside; the one who has entered only waits for it. */
  kill(program: LabProcess, signal: Deno.Signal): void {
    const pid = childOf(program.pid);
    if (pid > 0) Deno.kill(pid, signal);
  }

  /** Ends a program that was started inside; its exit code. */
  async stop(program: LabProcess): Promise<number> {
    this.kill(program, "SIGTERM");
    return await program.waitExit(STOP_TIMEOUT_MS);
  }

  /** The text that a shell's script prints. */
  async sh(script: string): Promise<string> {
    return (await this.run(["sh", "-ec", script])).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#nspawn.kill("SIGKILL");
    await this.#nspawn.exited;
  }
}

/** The first child of a process; 0: it has none. See proc(5). */
function childOf(pid: number): number {
  try {
    return Number(Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ")[0]);
  } catch {
    return 0;
  }
}
