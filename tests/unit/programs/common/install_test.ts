/** How a program makes a service of itself, and takes exactly that away. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  install,
  type InstallPlace,
  requirePlan,
  uninstall,
} from "../../../../src/programs/common/install.ts";
import {
  type Installable,
  markUnit,
  planInstall,
  planRemoval,
  readMark,
} from "../../../../src/programs/common/install_plan.ts";
import { exists } from "../../../../src/system/files/mod.ts";
import { FakeServices } from "../../../../src/system/units/fake.ts";
import { UserError } from "../../../../src/log/user_error.ts";

const RELAY: Installable = { program: "lanparty-relay", command: "install", undo: "uninstall" };
const UNIT = "[Unit]\nDescription=a test\n";

Deno.test("a unit says what was made with it, and any other says nothing", () => {
  const mark = { isProgramOurs: true, args: ["--cert", '/etc/"a"\n.pem', "--policy", "open"] };
  const unit = markUnit(UNIT, RELAY, mark);
  assertEquals(unit.endsWith(UNIT), true);
  assertEquals(unit.split("\n").length, UNIT.split("\n").length + 1);
  assertEquals(readMark(unit), mark);
  for (const other of ["", UNIT, unit.replace("{", "["), unit.replace("true", "1")]) {
    assertEquals(readMark(other), undefined);
  }
});

Deno.test("the program is ours where there was none, and stays so; what was there before stays", () => {
  const ours = markUnit(UNIT, RELAY, { isProgramOurs: true, args: [] });
  const theirs = markUnit(UNIT, RELAY, { isProgramOurs: false, args: [] });
  const plan = (unit: string | undefined, place: "this" | "other" | "nothing") => {
    const made = planInstall(RELAY, { unit, place });
    return made.ok ? [made.copies, made.isProgramOurs] : made.why;
  };
  assertEquals(plan(undefined, "nothing"), [true, true]);
  assertEquals(plan(undefined, "other"), [true, false]);
  assertEquals(plan(undefined, "this"), [false, false]);
  assertEquals(plan(ours, "this"), [false, true]);
  assertEquals(plan(ours, "other"), [true, true]);
  assertEquals(plan(theirs, "other"), [true, false]);
  assertEquals(planRemoval(RELAY, undefined), { ok: true, unit: false, program: false });
  assertEquals(planRemoval(RELAY, ours), { ok: true, unit: true, program: true });
  assertEquals(planRemoval(RELAY, theirs), { ok: true, unit: true, program: false });
});

Deno.test("a service that was made by hand is left alone, and it is said how it goes", () => {
  for (
    const plan of [planInstall(RELAY, { unit: UNIT, place: "this" }), planRemoval(RELAY, UNIT)]
  ) {
    assert(plan !== undefined && !plan.ok);
    assertStringIncludes(plan.why, "was not made by lanparty-relay install");
    assertStringIncludes(plan.why, "systemctl disable --now lanparty-relay");
  }
});

/** A machine whose program folder is of the test's. */
async function withPlace(
  play: (place: InstallPlace & { services: FakeServices }, target: string) => Promise<void>,
): Promise<void> {
  const folder = Deno.makeTempDirSync();
  const executable = `${folder}/downloaded`;
  Deno.writeTextFileSync(executable, "the program", { mode: 0o600 });
  const place = {
    services: new FakeServices(),
    executable,
    programFolder: `${folder}/bin`,
    wait: () => Promise.resolve(),
  };
  try {
    await play(place, `${folder}/bin/lanparty-relay`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const INSTALLATION = {
  ...RELAY,
  args: ["--policy", "open"],
  unitOf: (executable: string) => `[Service]\nExecStart=${executable}\n`,
};

Deno.test("installed, updated, and taken away: nothing is left", async () => {
  await withPlace(async (place, target) => {
    const { services } = place;
    await install(place, INSTALLATION);
    assertEquals(Deno.readTextFileSync(target), "the program");
    assertEquals((Deno.statSync(target).mode ?? 0) & 0o777, 0o755);
    assertStringIncludes(services.unit("lanparty-relay") ?? "", `\nExecStart=${target}\n`);
    assertEquals(readMark(services.unit("lanparty-relay") ?? "")?.args, ["--policy", "open"]);
    Deno.writeTextFileSync(place.executable, "a newer one");
    await install(place, { ...INSTALLATION, args: [] });
    assertEquals(Deno.readTextFileSync(target), "a newer one");
    assertEquals(readMark(services.unit("lanparty-relay") ?? "")?.args, []);
    await install({ ...place, executable: target }, INSTALLATION);
    assertEquals(await uninstall(place, RELAY), true);
    assertEquals([...Deno.readDirSync(place.programFolder ?? "")], []);
    assertEquals(await uninstall(place, RELAY), false);
    assertEquals(services.done.map((word) => word.split(" ")[0]), [
      ...["install", "install", "install", "remove"],
    ]);
  });
});

Deno.test("a program that was there before is replaced, and stays when the service goes", async () => {
  await withPlace(async (place, target) => {
    Deno.mkdirSync(place.programFolder ?? "");
    Deno.writeTextFileSync(target, "an older one");
    await install(place, INSTALLATION);
    await uninstall(place, RELAY);
    assertEquals(Deno.readTextFileSync(target), "the program");
  });
});

Deno.test("where no unit can be written, no program is left behind, nor one taken away", async () => {
  await withPlace(async (place, target) => {
    place.services.refusal = "no space left";
    const why = "the service cannot be made: no space left";
    await assertRejects(() => install(place, INSTALLATION), UserError, why);
    assertEquals([...Deno.readDirSync(place.programFolder ?? "")], []);
    Deno.writeTextFileSync(target, "an older one");
    await assertRejects(() => install(place, INSTALLATION), UserError, why);
    assertEquals(Deno.readTextFileSync(target), "the program");
  });
});

Deno.test("what is in the way of an install is said before anything is made", async () => {
  await withPlace(async (place) => {
    assertEquals(requirePlan(place, RELAY).copies, true);
    place.services.units.set("lanparty-relay", UNIT);
    const error = assertThrows(() => requirePlan(place, RELAY), UserError);
    assertStringIncludes(error.message, "was not made by lanparty-relay install");
    await assertRejects(() => install(place, INSTALLATION), UserError, error.message);
    assertEquals(exists(place.programFolder ?? ""), false);
    Deno.mkdirSync(place.programFolder ?? "");
    Deno.writeTextFileSync(`${place.programFolder}/lanparty-relay`, "");
    Deno.removeSync(place.executable);
    assertThrows(() => requirePlan(place, RELAY), UserError, "the service cannot be made: ");
  });
});

Deno.test("the program in place is told by the file, not by its path", async () => {
  await withPlace((place, target) => {
    Deno.mkdirSync(place.programFolder ?? "");
    Deno.linkSync(place.executable, target);
    assertEquals(requirePlan(place, RELAY).copies, false);
    Deno.symlinkSync(target, `${place.executable}.link`);
    const executable = `${place.executable}.link`;
    assertEquals(requirePlan({ ...place, executable }, RELAY).copies, false);
    return Promise.resolve();
  });
});

Deno.test("a service that is not started again is not said to go on trying", async () => {
  await withPlace(async (place) => {
    const messageAt = async (state: "failing" | "failed") => {
      place.services.states.push(state);
      return (await assertRejects(() => install(place, INSTALLATION), UserError)).message;
    };
    assertStringIncludes(await messageAt("failing"), "it goes on trying until lanparty-relay");
    const failed = await messageAt("failed");
    assertStringIncludes(failed, "it is not started again");
    assertEquals(failed.includes("goes on"), false);
  });
});

Deno.test("a service is waited for; one that fails is told about in its own words", async () => {
  await withPlace(async (place) => {
    const { services } = place;
    services.states.push("stopped", "starting", "starting", "ready", "failing");
    await install(place, INSTALLATION);
    assertEquals(services.states, ["failing"]);
    services.said = "12:00:00 error: 443/udp: another program uses this port";
    const error = await assertRejects(() => install(place, INSTALLATION), UserError);
    assertStringIncludes(
      error.message,
      "does not start: 443/udp: another program uses this port (",
    );
    assertStringIncludes(error.message, "lanparty-relay uninstall");
    services.states.push(...Array(1_000).fill("starting"));
    await assertRejects(() => install(place, INSTALLATION), UserError, "does not start");
    assert(services.states.length > 0);
  });
});
