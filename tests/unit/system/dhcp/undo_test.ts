/** What a journal may say of a DHCP client that ran on, or left files. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { undoDhcpFile, undoDhcpProcess } from "../../../../src/system/dhcp/undo.ts";
import { type ChangeData, ForeignChangeError } from "../../../../src/system/journal/journal.ts";
import { eventually } from "../../../../tools/lab/wait.ts";
import { identifyProcess, isRunning } from "../../../../src/system/process/identity.ts";
import { endSession, sessionMembers } from "../../../../src/system/process/session.ts";

async function inFolder(work: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await work(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("the session's own folder goes with what it holds, and nothing else", async () => {
  await inFolder((top) => {
    const folder = `${top}/state/dhcp`;
    const others = [
      ...[`${top}/state`, `${top}/state/dhcp/..`, `${folder}/inner`, `${folder}/`, `${top}/other`],
      ...["/etc/passwd", "relative", "/run/dhclient-lanparty-a/../x.pid", "/run/dhclient.pid"],
      ...["/var/lib/dhcpcd/duid", "/var/lib/dhcpcd/../x.lease", "/var/lib/dhcpcd/.lease"],
      ...["/run/dhclient-lanparty-.pid", "/run/systemd/network/10-other.network", ""],
      ...[null, 1, ["/etc"], { path: folder }],
    ] as ChangeData[];
    Deno.mkdirSync(`${folder}/inner`, { recursive: true });
    Deno.mkdirSync(`${top}/other`);
    const undo = undoDhcpFile({ folder });
    for (const data of others) {
      assertThrows(() => undo(data), ForeignChangeError, undefined, JSON.stringify(data));
    }
    assert(exists(`${folder}/inner`) && exists(`${top}/other`));
    undo(folder);
    assert(!exists(folder) && exists(`${top}/state`));
    undo(folder);
    // What AppArmor and networkd want elsewhere bears our name.
    undo("/run/dhclient-lanparty-nowhere0.leases");
    undo("/run/systemd/network/10-lanparty-nowhere0.network");
    undo("/var/lib/dhcpcd/nowhere0.lease");
  });
});

/** A program called `name` that runs with these words behind it, until it is killed. */
async function start(
  folder: string,
  name: string,
  ...words: string[]
): Promise<Deno.ChildProcess> {
  Deno.mkdirSync(`${folder}/${name}`, { recursive: true });
  Deno.copyFileSync("/bin/sh", `${folder}/${name}/${name}`);
  const args = ["-c", "while :; do sleep 0.05; done", ...words];
  const path = `${folder}/${name}/${name}`;
  let child: Deno.ChildProcess | undefined;
  // A child that another test starts at this moment still has the copy open for writing (ETXTBSY).
  await eventually(`${name} starts`, () => {
    try {
      child = new Deno.Command(path, { args }).spawn();
    } catch (error) {
      if (!String(error).includes("os error 26")) throw error;
    }
    return child !== undefined;
  });
  if (child === undefined) throw new Error("no child");
  const { pid } = child;
  // The kernel shows a program's file a moment before its arguments.
  await eventually(`${name} runs`, () =>
    Deno.readLinkSync(`/proc/${pid}/exe`) === path &&
    Deno.readTextFileSync(`/proc/${pid}/cmdline`).endsWith(`\0${words.at(-1)}\0`));
  return child;
}

/** The program of a process that has its arguments, too; undefined: it has none yet, or has ended. */
function programOf(pid: number): string | undefined {
  try {
    const path = Deno.readLinkSync(`/proc/${pid}/exe`);
    const hasArguments = Deno.readTextFileSync(`/proc/${pid}/cmdline`) !== "";
    return hasArguments ? path.replace(/.*\//, "") : undefined;
  } catch {
    return undefined;
  }
}

/** Starts a dhcpcd for an adapter, with a helper that has a title in place of its arguments and a script. */
async function startWithHelpers(folder: string, name: string): Promise<Deno.ChildProcess> {
  const path = `${folder}/dhcpcd/dhcpcd`;
  const idle = "while :; do sleep 0.05; done";
  const helper = `bash -c "while :; do sleep 0.05; done" & ${idle}`;
  const own = `exec ${path} -c '${idle}' ${name}`;
  const title = `dhcpcd: [privileged proxy] ${name} [ip4]`;
  const args = ["-c", `(exec -a '${title}' ${path} -c '${helper}') & ${own}`];
  const child = new Deno.Command("bash", { args, detached: true }).spawn();
  await eventually("all run", () => {
    const members = sessionMembers(child.pid).map(({ pid }) => programOf(pid));
    return members.filter((program) => program === "dhcpcd").length === 2 &&
      members.includes("bash");
  });
  return child;
}

Deno.test("a client's helpers and scripts end with it, also where it has ended already", async () => {
  await inFolder(async (folder) => {
    const undo = undoDhcpProcess({ folder, interface: "lanparty0", isInterface: () => true });
    Deno.mkdirSync(`${folder}/dhcpcd`);
    Deno.copyFileSync("/bin/sh", `${folder}/dhcpcd/dhcpcd`);
    // A copy can be started once nobody has it open for writing.
    await eventually("the copy starts", () => {
      try {
        return new Deno.Command(`${folder}/dhcpcd/dhcpcd`, { args: ["-c", ":"] }).outputSync()
          .success;
      } catch (error) {
        if (!String(error).includes("os error 26")) throw error;
        return false;
      }
    });
    const whole = await startWithHelpers(folder, "lanparty0");
    undo({ ...identifyProcess(whole.pid)!, interface: "lanparty0" });
    assertEquals(sessionMembers(whole.pid), []);
    assertEquals((await whole.status).signal, "SIGKILL");

    for (const name of ["eth0", "lanparty0"]) {
      const left = await startWithHelpers(folder, name);
      const identity = identifyProcess(left.pid)!;
      left.kill("SIGKILL");
      await left.status;
      undo({ ...identity, interface: "lanparty0" });
      assertEquals(sessionMembers(left.pid).length === 0, name === "lanparty0");
      await endSession(left.pid, 0);
    }
  });
});

Deno.test("only a DHCP client for our adapter is killed, by id and start time", async () => {
  await inFolder(async (folder) => {
    const undo = undoDhcpProcess({
      folder,
      interface: "lanparty0",
      isInterface: (name) => name === "eth0" || name === "lanparty0",
    });
    const ours = await start(folder, "udhcpc", "-i", "lanparty0");
    const cases: [Deno.ChildProcess, string][] = [
      [await start(folder, "sshd", "lanparty0"), "lanparty0"],
      // The client of a card of this PC, whatever the journal calls it.
      [await start(folder, "dhclient", "eth0"), "eth0"],
      [await start(folder, "dhcpcd", "eth0"), "lanparty0"],
    ];
    try {
      for (const [child, name] of cases) {
        const identity = { ...identifyProcess(child.pid)! };
        assertThrows(() => undo({ ...identity, interface: name }), ForeignChangeError);
        assertThrows(() => undo(identity), ForeignChangeError);
        assert(isRunning(identity));
      }
      const { pid, startTicks } = identifyProcess(ours.pid)!;
      undo({ pid, startTicks: startTicks + 1, interface: "lanparty0" });
      assert(isRunning({ pid, startTicks }));
      undo({ pid, startTicks, interface: "lanparty0" });
      assertEquals((await ours.status).signal, "SIGKILL");
      undo({ pid, startTicks, interface: "lanparty0" });
      // One of an earlier program, whose adapter went with it.
      const earlier = await start(folder, "udhcpc", "-i", "party9");
      undo({ ...identifyProcess(earlier.pid)!, interface: "party9" });
      assertEquals((await earlier.status).signal, "SIGKILL");
    } finally {
      for (const [child] of cases) {
        child.kill("SIGKILL");
        await child.status;
      }
    }
    assertThrows(() => undo("nonsense"), ForeignChangeError);
    assertThrows(() => undo(null), ForeignChangeError);
  });
});
