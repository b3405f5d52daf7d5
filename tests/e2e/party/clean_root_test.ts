/**
 * The three files of `dist`, copied alone to the root file system of a bare Debian 12.
 *
 * ```text
 *   lan             gate               bare
 *  ┌──────────┐    ┌──────────────┐   ┌─────────────────────────────────────────────┐
 *  │ eth0     ├────┤ lan0    wan0 ├───┤ gw0     relay ── 127.0.0.1:4433 ── client   │
 *  │ 10.9.0.1 │veth│  gateway     │   │ 10.8.0.1                          TAP lan0  │
 *  └──────────┘    └──────────────┘   │                                   10.9.0.2  │
 *                                     └─────────────────────────────────────────────┘
 *   The programs run by chroot in what debootstrap --variant=minbase makes, mounted read-only; they
 *   stand in /opt.
 * ```
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../../src/cli/version.ts";
import { ensureBareSystem } from "../../../tools/build/debian_systems.ts";
import { executablePath, PROGRAMS } from "../../../tools/build/executables.ts";
import {
  type CommandResult,
  type LabProcess,
  type Namespace,
  NetworkLab,
} from "../../../tools/lab/netns.ts";

const READY_TIMEOUT_MS = 20_000;
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

  spawn(command: readonly string[], namespace = this.namespace): LabProcess {
    return namespace.spawn(this.#enter(command));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
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

/** The namespaces of LAN and gateway, and what joins them with the bare system's. */
async function addLan(
  lab: NetworkLab,
  bare: Namespace,
): Promise<[lan: Namespace, gate: Namespace]> {
  const [lan, gate] = [await lab.namespace("lan"), await lab.namespace("gate")];
  await lab.veth(
    { namespace: lan, name: "eth0", addresses: ["10.9.0.1/24"] },
    { namespace: gate, name: "lan0" },
  );
  await lab.veth(
    { namespace: gate, name: "wan0", addresses: ["10.8.0.2/24"] },
    { namespace: bare, name: "gw0", addresses: ["10.8.0.1/24"] },
  );
  return [lan, gate];
}

/** Starts relay and gateway; `room` is what a client says to come into theirs. */
async function startParty(
  bare: BareSystem,
  gate: Namespace,
): Promise<{ relay: LabProcess; gateway: LabProcess; room: readonly string[] }> {
  const relay = bare.spawn([
    ...["/opt/lanparty-relay", "--listen", "4433/udp", "--state-dir", "/tmp/relay"],
    ...["--dev-cert-der-out", "/tmp/relay.der", "--policy", "open"],
  ]);
  await relay.waitForLine(/Listening/, READY_TIMEOUT_MS);
  const room = ["--relay-ca-cert", "/tmp/relay.der", "--room", "BARE"];
  const gateway = bare.spawn([
    ...["/opt/lanparty-gateway", "--relay", "10.8.0.1:4433", ...room, "--interface", "lan0"],
    ...["--state-dir", "/tmp/gateway"],
  ], gate);
  await gateway.waitForLine(/Joined the room/, READY_TIMEOUT_MS);
  return { relay, gateway, room };
}

Deno.test("all three carry a ping between LAN and player, end in time and leave nothing", async () => {
  await using lab = await NetworkLab.open();
  await using bare = await BareSystem.open(lab);
  const [lan, gate] = await addLan(lab, bare.namespace);
  const { relay, gateway, room } = await startParty(bare, gate);
  const client = bare.spawn([
    ...["/opt/lanparty-client", "--relay", "127.0.0.1:4433", ...room, "--tap-name", "lan0"],
    ...["--address", "10.9.0.2/24", "--state-dir", "/tmp/client"],
  ]);
  await client.waitForLine(/adapter .* is up/, READY_TIMEOUT_MS);
  await lan.run(["ping", "-c", "3", "-i", "0.2", "-W", "5", "10.9.0.2"]);
  await endInTime(client);
  assertEquals(await bare.namespace.has("lan0"), false);
  await endInTime(gateway);
  await endInTime(relay);
  assertEquals(await names(bare.work), ["client", "gateway", "relay", "relay.der"]);
});

Deno.test("a player has an address of the LAN where there is no DHCP program at all", async () => {
  await using lab = await NetworkLab.open();
  await using bare = await BareSystem.open(lab);
  const programs = "dhclient dhcpcd udhcpc busybox NetworkManager networkctl connmand pump".split(
    " ",
  );
  const search = programs.flatMap((name) => ["-o", "-name", name]).slice(1);
  const found = await bare.run(["find", "/usr", "/bin", "/sbin", "(", ...search, ")"]);
  assertEquals([found.code, found.stdout], [0, ""]);
  const [lan, gate] = await addLan(lab, bare.namespace);
  const before = await bare.namespace.ip("-4", "route");
  const dhcp = lan.spawn([
    ...["dnsmasq", "--keep-in-foreground", "--log-facility=-", "--port=0", "--log-dhcp"],
    ...["--conf-file=/dev/null", "--bind-interfaces", "--interface=eth0", "--dhcp-authoritative"],
    ...[`--dhcp-leasefile=${lab.folder}/leases`, "--dhcp-range=10.9.0.100,10.9.0.150,1h"],
  ]);
  await dhcp.waitForLine(/DHCP, IP range/, READY_TIMEOUT_MS);
  const { relay, gateway, room } = await startParty(bare, gate);
  const client = bare.spawn([
    ...["/opt/lanparty-client", "--relay", "127.0.0.1:4433", ...room, "--tap-name", "lan0"],
    ...["--state-dir", "/tmp/client"],
  ]);
  const [, address] = await client.waitForLine(/lan0.* (10\.9\.0\.1\d\d)\/24/, READY_TIMEOUT_MS);
  await lan.run(["ping", "-c", "3", "-i", "0.2", "-W", "5", address]);
  await endInTime(client);
  await dhcp.waitForLine(new RegExp(`DHCPRELEASE.* ${address} `), READY_TIMEOUT_MS);
  assertEquals(await bare.namespace.has("lan0"), false);
  assertEquals(await bare.namespace.ip("-4", "route"), before);
  for (const program of [gateway, relay]) await endInTime(program);
});

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}
