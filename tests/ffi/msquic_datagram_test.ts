/** How long a datagram may be when packets become shorter (patch 0042). */
import { assertEquals } from "@std/assert";
import { type MsquicProgram, sayings } from "../support/msquic_program.ts";

const PROGRAM: MsquicProgram = {
  program: new URL("./datagram_room.c", import.meta.url).pathname,
  core: ["connection.c", "datagram.c"],
};

Deno.test("a datagram is never longer than what there is room for in a packet", async () => {
  const cases = {
    "short-packets": "told 1167, 0 canceled, room 1167",
    // A connection ID of 9 bytes gives way to one of 20.
    "retired-here": "told 1187, told 1176, 1 canceled, room 1176",
    "retired-there": "told 1187, told 1176, 1 canceled, room 1176",
  };
  assertEquals(await sayings(PROGRAM, Object.keys(cases)), cases);
});

Deno.test("without the patch one that fits no more stays the first to be sent", async () => {
  const without = { ...PROGRAM, without: "0042-room-for-datagrams.patch" };
  assertEquals(await sayings(without, ["short-packets", "retired-there"]), {
    "short-packets": "told 1187, 0 canceled, room 1167",
    "retired-there": "told 1187, 0 canceled, room 1176",
  });
});
