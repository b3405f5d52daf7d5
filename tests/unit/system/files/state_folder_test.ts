import { assertEquals, assertThrows } from "@std/assert";
import { defaultStateFolder, stateFolder } from "../../../../src/system/files/state_folder.ts";

Deno.test("a state folder that is asked for is made, private, with its parents", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const wanted = `${folder}/a/b`;
    assertEquals(stateFolder("relay", wanted), wanted);
    assertEquals(Deno.statSync(wanted).mode! & 0o777, 0o700);
    // A second time it is there already.
    assertEquals(stateFolder("relay", wanted), wanted);
    Deno.writeTextFileSync(`${folder}/file`, "");
    assertThrows(() => stateFolder("relay", `${folder}/file/inside`));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a state folder's path is absolute, so that other programs find what lies in it", () => {
  const folder = Deno.makeTempDirSync({ dir: "." });
  try {
    assertEquals(stateFolder("client", `${folder}/./a`), `${Deno.cwd()}${folder.slice(1)}/a`);
    assertEquals(stateFolder("client", "."), Deno.cwd());
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("without a wish the state folder is systemd's, root's or the user's, in this order", () => {
  const folder = (uid: number, variables: Record<string, string>) =>
    defaultStateFolder("client", { uid, get: (name) => variables[name] });
  const HOME = "/home/ada";
  assertEquals(folder(0, { HOME, STATE_DIRECTORY: "/s/x:/s/y", XDG_STATE_HOME: "/x" }), "/s/x");
  assertEquals(folder(0, { HOME, XDG_STATE_HOME: "/x" }), "/var/lib/lanparty-client");
  assertEquals(folder(0, { STATE_DIRECTORY: "" }), "/var/lib/lanparty-client");
  assertEquals(folder(1000, { HOME, XDG_STATE_HOME: "/x" }), "/x/lanparty-client");
  assertEquals(folder(1000, { HOME }), "/home/ada/.local/state/lanparty-client");
  // The specification has a relative path ignored.
  assertEquals(
    folder(1000, { HOME, XDG_STATE_HOME: "x" }),
    "/home/ada/.local/state/lanparty-client",
  );
  assertEquals(folder(1000, {}), "/.local/state/lanparty-client");
});
