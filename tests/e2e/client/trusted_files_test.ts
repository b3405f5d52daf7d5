/**
 * Files that the three executables believe, as root: planted by others, readable by others, and mended
 * by the command that is printed.
 *
 * ```text
 *  ┌ namespace "trusted" ──────────────────────────────────────┐
 *  │ lo     each executable; nobody answers at the relay's place │
 *  │ wire0 ── wire1                                            │
 *  └───────────────────────────────────────────────────────────┘
 * ```
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { CertificateFiles } from "../../support/certificates.ts";
import { type LabProcess, type Namespace, NetworkLab } from "../../../tools/lab/netns.ts";
import { NOBODY } from "../../support/nobody.ts";

type Program = "relay" | "gateway" | "client";

const KEY = "AAAAAAAAAAAAAAAAAAAAAA";
const ENDPOINT = ["--relay", "127.0.0.1:4433", "--room", "PARTY"];
const OPTIONS: Readonly<Record<Program, readonly string[]>> = {
  relay: ["--listen", "127.0.0.1:0"],
  gateway: [...ENDPOINT, "--interface", "wire0"],
  client: [...ENDPOINT, "--no-dhcp"],
};
/** What each says when nothing keeps it from its work. */
const AT_WORK: Readonly<Record<Program, RegExp>> = {
  relay: /Listening/,
  gateway: /Connecting to/,
  client: /Connecting to/,
};
const EXIT_TIMEOUT_MS = 15_000;

class Scene implements AsyncDisposable {
  private constructor(readonly lab: NetworkLab, readonly namespace: Namespace) {}

  static async open(): Promise<Scene> {
    const lab = await NetworkLab.open();
    const namespace = await lab.namespace("trusted");
    await lab.veth({ namespace, name: "wire0" }, { namespace, name: "wire1" });
    return new Scene(lab, namespace);
  }

  get folder(): string {
    return this.lab.folder;
  }

  start(program: Program, ...args: string[]): LabProcess {
    const state = args.includes("--state-dir") ? [] : ["--state-dir", `${this.folder}/state`];
    return this.namespace.spawn([executablePath(program), ...OPTIONS[program], ...state, ...args]);
  }

  /** The line in which a program says why it will not start. */
  async refusal(program: Program, code: number, ...args: string[]): Promise<string> {
    const process = this.start(program, ...args);
    assertEquals(await process.waitExit(EXIT_TIMEOUT_MS), code, process.stderr);
    return process.stderr.trim().split("\n").pop()!;
  }

  /** Waits until a program is at work, and ends it: what it has said. */
  async work(program: Program, ...args: string[]): Promise<string> {
    const process = this.start(program, ...args);
    await process.waitForLine(AT_WORK[program], EXIT_TIMEOUT_MS);
    await process.stop();
    return process.stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.close();
  }
}

/** A journal as a killed client of another time would have left it. */
async function plant(folder: string, program: Program, changes: unknown[]): Promise<string> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o755 });
  const path = `${folder}/lanparty-${program}-journal.json`;
  const owner = { pid: 2 ** 22 + 1, startTicks: 1 };
  const numbered = changes.map((change, index) => ({ id: index + 1, ...change as object }));
  const text = JSON.stringify({ version: 1, owner, changes: numbered });
  await Deno.writeTextFile(path, text, { mode: 0o600 });
  return path;
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

Deno.test("root does not believe a state folder of another user", async (test) => {
  await using scene = await Scene.open();
  const victim = `${scene.folder}/victim`;
  await Deno.mkdir(`${victim}/inner`, { recursive: true });
  const state = `${scene.folder}/theirs`;
  const journal = await plant(state, "client", [{ kind: "file", data: victim }]);
  for (const path of [journal, state]) await Deno.chown(path, NOBODY, NOBODY);
  await test.step("nothing that is planted there is done or used", async () => {
    const certificates = await CertificateFiles.make(scene.folder);
    const planted = await certificates.issue({ names: ["localhost"] });
    await Deno.copyFile(planted.keyFile, `${state}/relay-key.pem`);
    await Deno.copyFile(planted.certificateFile, `${state}/relay-cert.pem`);
    for (const program of ["client", "gateway", "relay"] as const) {
      const line = await scene.refusal(program, 1, "--state-dir", state);
      assertStringIncludes(line, `error: the state folder ${state} cannot be used: ${state} `);
      assertMatch(line, /belongs to another user \(id 65534\), who can change what is in it/);
    }
    assert(await isThere(`${victim}/inner`) && await isThere(journal));
  });
  await test.step("nor is one below such a folder, or one that a link of theirs leads to", async () => {
    const ours = `${scene.folder}/ours`;
    const link = `${scene.folder}/sticky/link`;
    await Deno.mkdir(ours, { mode: 0o700 });
    await Deno.mkdir(`${scene.folder}/sticky`);
    await Deno.chmod(`${scene.folder}/sticky`, 0o1777);
    await Deno.symlink(ours, link);
    await scene.work("client", "--state-dir", link);
    await scene.lab.host(["chown", "--no-dereference", `${NOBODY}`, link]);
    await Deno.mkdir(`${state}/below`, { mode: 0o700 });
    for (const path of [`${state}/below`, `${state}/new`, link]) {
      assertMatch(await scene.refusal("client", 1, "--state-dir", path), /belongs to another user/);
    }
    assert(!await isThere(`${state}/new`));
  });
  await test.step("nor one where everybody may write, such as /tmp itself", async () => {
    for (const mode of [0o777, 0o1777]) {
      const open = `${scene.folder}/open`;
      await Deno.mkdir(open, { recursive: true });
      await Deno.chmod(open, mode);
      const line = await scene.refusal("client", 1, "--state-dir", open);
      assertMatch(line, /can be written by others \(mode 0777\): chmod go-w /);
      // What root has made below a sticky one is root's alone.
      if (mode === 0o777) continue;
      await scene.work("client", "--state-dir", `${open}/below`);
    }
  });
});

Deno.test("what a journal names is done only where a program of ours can have done it", async (test) => {
  await using scene = await Scene.open();
  const victim = `${scene.folder}/victim`;
  await Deno.mkdir(`${victim}/inner`, { recursive: true });
  const { namespace } = scene;
  await namespace.ip("link", "set", "wire0", "up");
  await namespace.ip("addr", "add", "10.9.0.1/24", "dev", "wire0");
  await namespace.ip("route", "add", "198.51.100.7/32", "via", "10.9.0.9", "dev", "wire0");
  const { ifindex } = await namespace.linkOf("wire0");
  const process = namespace.spawn(["sleep", "60"]);
  const route = { nextHop: "0a090009", interfaceIndex: ifindex };
  const startTicks = Number(
    (await Deno.readTextFile(`/proc/${process.pid}/stat`)).replace(/^.*\) /s, "").split(" ")[19],
  );
  await test.step("client", async () => {
    const state = `${scene.folder}/client`;
    await plant(state, "client", [
      { kind: "file", data: victim },
      { kind: "file", data: `${state}/dhcp/../../victim` },
      { kind: "process", data: { pid: process.pid, startTicks, interface: "lanparty0" } },
      { kind: "resolver", data: { before: victim, after: null } },
      { kind: "resolvconf", data: "eth0.other" },
      { kind: "manager-file", data: `${victim}/inner` },
      { kind: "linux-host-route", data: { destination: "00000000", prefixBits: 0, ...route } },
      { kind: "linux-host-route", data: { destination: "c6336407", prefixBits: 32, ...route } },
    ]);
    const said = await scene.work("client", "--state-dir", state);
    const told = said.split("\n").filter((line) =>
      line.includes("names a change that no lanparty program makes: it was not undone")
    );
    assertEquals(told.length, 4, said);
    // Kinds that this version does not know may be another one's: they stay, and that is told.
    const unknown = said.match(/a change of an earlier run could not be undone/g);
    assertEquals(unknown?.length, 3, said);
    assert(await isThere(`${victim}/inner`));
    assert(process.running);
    // The last is one that it could have made, but does not bear the mark of its own.
    assertMatch(await namespace.ip("route", "show"), /198\.51\.100\.7 via 10\.9\.0\.9/);
  });
  await test.step("gateway", async () => {
    const state = `${scene.folder}/gateway`;
    await plant(state, "gateway", [
      { kind: "offloads", data: { interface: "wire0", on: ["tx-udp-segmentation"] } },
      { kind: "offloads", data: { interface: "../wire0", on: ["rx-gro"] } },
      { kind: "file", data: victim },
    ]);
    const said = await scene.work("gateway", "--state-dir", state);
    assertEquals(said.match(/names a change that no lanparty program makes/g)?.length, 2);
    assertMatch(said, /a change of an earlier run could not be undone/);
    assert(await isThere(`${victim}/inner`));
  });
});

Deno.test("a key that others can read is refused, and the printed command mends it", async (test) => {
  await using scene = await Scene.open();
  const { folder } = scene;
  const certificates = await CertificateFiles.make(folder);
  const { certificateFile, keyFile } = await certificates.issue();
  const gatewayKey = `${folder}/party key`;
  const roomKey = `${folder}/room.key`;
  const config = `${folder}/client.toml`;
  for (const path of [gatewayKey, roomKey]) await Deno.writeTextFile(path, `${KEY}\n`);
  await Deno.writeTextFile(config, `room-key = "${KEY}"\n`);
  const cases: [Program, string, number, string[]][] = [
    ["relay", keyFile, 1, ["--cert", certificateFile, "--key", keyFile]],
    ["gateway", gatewayKey, 1, ["--gateway-key-file", gatewayKey]],
    ["client", roomKey, 1, ["--room-key-file", roomKey]],
    ["client", config, 2, ["--config", config]],
  ];
  for (const [program, path, code, args] of cases) {
    await test.step(args.join(" "), async () => {
      await Deno.chmod(path, 0o644);
      const line = await scene.refusal(program, code, ...args);
      const [, mend] = /can be read by others \(mode 0644\): (chmod .*?)( \(see .*\))?$/.exec(
        line,
      )!;
      await scene.lab.host(["sh", "-c", mend]);
      await scene.work(program, ...args);
      // Another user's is as bad, and may have been planted.
      await Deno.chown(path, NOBODY, NOBODY);
      const theirs = await scene.refusal(program, code, ...args);
      const [, take] = /belongs to another user .*: (chown .*?)( \(see .*\))?$/.exec(theirs)!;
      await scene.lab.host(["sh", "-c", take]);
      await scene.work(program, ...args);
    });
  }
  await test.step("a key that is not in the file, nor a certificate, is nobody's secret", async () => {
    const plain = `${folder}/plain.toml`;
    await Deno.writeTextFile(plain, 'name = "Ann"\n', { mode: 0o644 });
    await scene.work("client", "--config", plain);
  });
  await test.step("what systemd gives to a service is the service's, as its access list shows", async () => {
    const credentials = `${folder}/credentials`;
    await Deno.mkdir(credentials);
    await Deno.writeTextFile(`${credentials}/room-key`, KEY, { mode: 0o400 });
    const command = [executablePath("client"), ...OPTIONS.client, "--state-dir", `${folder}/state`];
    const start = () =>
      scene.namespace.spawn(command, { env: { CREDENTIALS_DIRECTORY: credentials } });
    for (const mode of [0o400, 0o440]) {
      await Deno.chmod(`${credentials}/room-key`, mode);
      const client = start();
      await client.waitForLine(AT_WORK.client, EXIT_TIMEOUT_MS);
      assertEquals(await client.stop(), 0);
    }
    await Deno.chmod(`${credentials}/room-key`, 0o444);
    const refused = start();
    assertEquals(await refused.waitExit(EXIT_TIMEOUT_MS), 1);
    assertMatch(refused.stderr, /credentials\/room-key can be read by others/);
  });
  await test.step("whoever says sudo may use a key of their own", async () => {
    await Deno.chown(roomKey, NOBODY, NOBODY);
    const command = [executablePath("client"), ...OPTIONS.client, "--room-key-file", roomKey];
    const state = ["--state-dir", `${folder}/state`];
    const client = scene.namespace.spawn([...command, ...state], { env: { SUDO_UID: "65534" } });
    await client.waitForLine(AT_WORK.client, EXIT_TIMEOUT_MS);
    assertEquals(await client.stop(), 0);
  });
});
