import { assertEquals } from "@std/assert";
import { LockFile } from "../../../../src/programs/gateway/lock_file.ts";
import { loggerOf } from "../../../../src/log/logging.ts";

Deno.test("a lock is found again by the next gateway of its room, and by no other, until it is taken back", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-lock-" });
  const open = (room: string) => new LockFile(folder, room, loggerOf("gateway"));
  try {
    const file = open("PARTY");
    assertEquals(file.found, false);
    file.keep(true);
    assertEquals([open("PARTY").found, open("OTHER").found], [true, false]);
    const path = `${folder}/lanparty-gateway-locked`;
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    // What anybody may have written locks nothing.
    await Deno.chmod(path, 0o666);
    assertEquals(open("PARTY").found, false);
    file.keep(false);
    file.keep(false);
    assertEquals(open("PARTY").found, false);
    assertEquals(Array.from(Deno.readDirSync(folder)), []);
    // What cannot be written ends nothing.
    await Deno.mkdir(`${path}/x`, { recursive: true });
    file.keep(true);
    file.keep(false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
