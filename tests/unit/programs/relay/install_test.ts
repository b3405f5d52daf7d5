/** What `lanparty-relay uninstall` finds of a relay. */
import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../../../src/log/user_error.ts";
import { keptByRelay, refuseRunning } from "../../../../src/programs/relay/install.ts";

Deno.test("the state of a relay that runs is not taken away under it; that of a killed one is", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    await refuseRunning(`${folder}/none`);
    await refuseRunning(folder);
    const listener = Deno.listen({ transport: "unix", path: `${folder}/control.sock` });
    try {
      await assertRejects(() => refuseRunning(folder), UserError, `runs with ${folder}`);
    } finally {
      listener.close();
    }
    await refuseRunning(folder); // its socket is left, as by a kill
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("what a relay has kept is its key, something else, or nothing", () => {
  const folder = Deno.makeTempDirSync();
  try {
    assertEquals(keptByRelay(`${folder}/none`), "nothing");
    assertEquals(keptByRelay(folder), "state");
    Deno.writeTextFileSync(`${folder}/relay-key.pem`, "");
    assertEquals(keptByRelay(folder), "key");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
