/**
 * The three files of `dist`, copied alone to the root file system of a bare Debian 12.
 *
 * ```text
 *  ┌ namespace "bare" ──────────────────────────────────┐
 *  │  chroot: debootstrap --variant=minbase, read-only  │
 *  │    /opt/lanparty-{relay,gateway,client}            │
 *  │    relay ── 127.0.0.1:4433 ── client ── TAP lan0   │
 *  └────────────────────────────────────────────────────┘
 * ```
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../src/cli/version.ts";
import { ensureBareSystem } from "../../tools/bare_system.ts";
import { executablePath, PROGRAMS } from "../../tools/executables.ts";
import {
  type CommandResult,
  type LabProcess,
  type Namespace,
  NetworkLab,
} from "../support/netns.ts";

/** Mounts are made in a mount namespace of the command's own, and vanish with it. */
const ENTER = `
root=$1; programs=$2; work=$3; shift 3
set -e
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --bind "$programs" "$root/opt"
mount -o remount,bind,ro "$root/opt"
mount --bind "$work" "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/tmp/home "$@"
`;

/** A bare system with the three executables, in a namespace. */
class BareSystem implements AsyncDisposable {
  readonly namespace: Namespace;
  /** `/tmp` as the programs see it. */
  readonly work: string;
  readonly #root: string;
  readonly #folder: string;

  private constructor(namespace: Namespace, root: string, folder: string) {
    this.namespace = namespace;
    this.#root = root;
    this.#folder = folder;
    this.work = `${folder}/work`;
  }

  static async open(lab: NetworkLab): Promise<BareSystem> {
    const root = await ensureBareSystem();
    const folder = await Deno.makeTempDir({ prefix: "lanparty-bare-" });
    await Deno.mkdir(`${folder}/work`);
    await Deno.mkdir(`${folder}/programs`);
    for (const program of PROGRAMS) {
      await Deno.copyFile(executablePath(program), `${folder}/programs/lanparty-${program}`);
    }
    return new BareSystem(await lab.namespace("bare"), root, folder);
  }

  #enter(command: readonly string[]): string[] {
    const { work } = this;
    const script = ["sh", "-c", ENTER, "enter", this.#root, `${this.#folder}/programs`, work];
    return ["unshare", "--mount", "--propagation", "private", ...script, ...command];
  }

  run(command: readonly string[]): Promise<CommandResult> {
    return this.namespace.run(this.#enter(command), { anyCode: true });
  }

  spawn(command: readonly string[]): LabProcess {
    return this.namespace.spawn(this.#enter(command));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Waits until a condition holds. */
async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + 20_000; !(await holds());) {
    assert(performance.now() < endMs, `20 s are over: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Ends a program by SIGTERM; it has 2 s for it. */
async function endInTime(program: LabProcess): Promise<void> {
  program.kill("SIGTERM");
  assertEquals(await program.waitExit(2_000), 0);
}

Deno.test("the bare system has neither Deno nor any library of ours", async () => {
  await using lab = await NetworkLab.open();
  await using bare = await BareSystem.open(lab);
  const { code, stdout } = await bare.run([
    ...["find", "/usr", "/bin", "/lib", "/etc", "/var", "/root", "/home", "/srv"],
    ...["(", "-name", "*deno*", "-o", "-name", "*msquic*", "-o", "-name", "node*", ")"],
  ]);
  assertEquals([code, stdout], [0, ""]);
  const { stdout: programs } = await bare.run(["ls", "/opt"]);
  assertEquals(programs, "lanparty-client\nlanparty-gateway\nlanparty-relay\n");
});

Deno.test("each executable runs alone: help, version, and a wrong option", async () => {
  await using lab = await NetworkLab.open();
  await using bare = await BareSystem.open(lab);
  for (const program of PROGRAMS) {
    const path = `/opt/lanparty-${program}`;
    const help = await bare.run([path, "--help"]);
    assertEquals([help.code, help.stderr], [0, ""]);
    assertStringIncludes(help.stdout, `lanparty-${program}`);
    const version = await bare.run([path, "--version"]);
    assertEquals([version.code, version.stdout], [0, `lanparty-${program} ${VERSION}\n`]);
    const wrong = await bare.run([path, "--no-such-option"]);
    assertEquals(wrong.code, 2);
    assertMatch(wrong.stderr, /no-such-option/);
  }
  assertEquals(await names(bare.work), []);
});

Deno.test("the relay listens, a client joins by msquic, both end in time and leave nothing", async () => {
  await using lab = await NetworkLab.open();
  await using bare = await BareSystem.open(lab);
  const relay = bare.spawn([
    ...["/opt/lanparty-relay", "--listen", "127.0.0.1:4433", "--state-dir", "/tmp/relay"],
    ...["--cert-name", "127.0.0.1", "--dev-cert-der-out", "/tmp/relay.der", "--policy", "open"],
  ]);
  // The local address is in hexadecimal, and msquic's socket is of IPv6 for IPv4, too.
  await eventually("the relay listens", async () => {
    assert(relay.running, relay.stderr);
    const { stdout } = await bare.namespace.run(["cat", "/proc/net/udp", "/proc/net/udp6"]);
    return /^ *\d+: [0-9A-F]+:1151 /m.test(stdout);
  });
  const client = bare.spawn([
    ...["/opt/lanparty-client", "--relay", "127.0.0.1:4433", "--relay-ca-cert", "/tmp/relay.der"],
    ...["--room", "BARE", "--tap-name", "lan0", "--address", "10.9.0.2/24"],
    ...["--state-dir", "/tmp/client"],
  ]);
  await eventually("the client's TAP is up with its address", async () => {
    assert(client.running, client.stderr);
    if (!(await bare.namespace.has("lan0"))) return false;
    return (await bare.namespace.addressesOf("lan0")).includes("10.9.0.2/24");
  });
  await endInTime(client);
  assertEquals(await bare.namespace.has("lan0"), false);
  await endInTime(relay);
  assertEquals(await names(bare.work), ["client", "relay", "relay.der"]);
});

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}
