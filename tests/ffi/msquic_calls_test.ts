/** What msquic does not ask the system for without need (patches 0055, 0056). */
import { assertEquals } from "@std/assert";
import { type MsquicProgram, sayings } from "../support/msquic_program.ts";

const THREAD: MsquicProgram = {
  program: new URL("./thread_id.c", import.meta.url).pathname,
  core: [],
  platform: ["platform_posix.c"],
};

/** What is said, in the order of its lines. */
async function lines(program: MsquicProgram, name: string): Promise<string[]> {
  return (await sayings(program, [name]))[name].split("\n");
}

Deno.test("a thread asks for its ID once", async () => {
  assertEquals(await lines(THREAD, "again"), ["main right, asked 1", "main right, asked 0"]);
  const other = ["main right, asked 1", "thread right, asked 1", "main right, asked 0"];
  assertEquals(await lines(THREAD, "other"), other);
});

Deno.test("after a fork the child has an ID of its own", async () => {
  const [first, ...both] = await lines(THREAD, "child");
  assertEquals(first, "main right, asked 1");
  assertEquals(both.sort(), ["child right, asked 1", "parent right, asked 0"]);
});

Deno.test("without the patch a thread asks each time", async () => {
  const without = { ...THREAD, without: "0055-thread-id-once.patch" };
  assertEquals(await lines(without, "again"), ["main right, asked 3", "main right, asked 3"]);
});

const BATCHES: MsquicProgram = {
  program: new URL("./receive_batches.c", import.meta.url).pathname,
  core: [],
  platform: ["datapath_epoll.c"],
};

/** Whether received packets may be joined, and how many datagrams wait. */
const WAITING: Record<string, string> = {
  "1,0": "0 received by 1 calls",
  "1,1": "1 received by 1 calls",
  "1,3": "3 received by 1 calls",
  "1,4": "4 received by 2 calls",
  "1,9": "9 received by 3 calls",
  "0,1": "1 received by 1 calls",
  "0,63": "63 received by 1 calls",
  "0,64": "64 received by 2 calls",
  "0,130": "130 received by 3 calls",
};

Deno.test("receiving ends with a batch that is not full", async () => {
  assertEquals(await sayings(BATCHES, Object.keys(WAITING)), WAITING);
});

Deno.test("without the patch each datagram is a call, and nothing is another one", async () => {
  const without = { ...BATCHES, without: "0056-receive-what-is-there.patch" };
  assertEquals(await sayings(without, ["1,1", "1,9", "0,1", "0,63"]), {
    "1,1": "1 received by 2 calls",
    "1,9": "9 received by 10 calls",
    "0,1": "1 received by 2 calls",
    "0,63": "63 received by 2 calls",
  });
});
