/** What is left of a connection's paths when their validation fails, and what it is told of (patches 0013, 0037 and 0040). */
import { assertEquals } from "@std/assert";
import { type MsquicProgram, sayings } from "../support/msquic_program.ts";

const PROGRAM: MsquicProgram = {
  program: new URL("./path_validation.c", import.meta.url).pathname,
  core: ["path.c", "loss_detection.c"],
};

/** What is done, and what must be so after it. */
const CASES: Record<string, string> = {
  // Challenges that are lost are sent again; it is the timer that ends a validation.
  "lost": "paths=2 first=0 active=1 challenge",
  "lost-last": "paths=1 first=0 active=1 challenge",
  "remove-last": "paths=1 first=0 active=1",
  "remove-first": "paths=2 first=2 active=1",
  "fallback": "address-changed paths=2 first=2 active=1 timer",
  "unproven-fallback": "paths=2 first=0 active=1 challenge timer",
  "last": "paths=1 first=0 active=1 challenge timer",
  "others": "paths=2 first=0 active=1 timer",
  "closed": "paths=2 first=0 active=1",
};

Deno.test("there is an active path as long as there is a connection", async () => {
  assertEquals(await sayings(PROGRAM, Object.keys(CASES)), CASES);
});

Deno.test("without the patch lost challenges leave a connection without a path", async () => {
  const without = { ...PROGRAM, without: "0013-always-a-path.patch" };
  assertEquals(await sayings(without, ["lost", "lost-last", "remove-last"]), {
    "lost": "paths=0 first=1 active=0",
    "lost-last": "paths=0 first=0 active=1",
    "remove-last": "paths=0 first=0 active=1",
  });
});

Deno.test("a path with another port alone keeps its size, and datagrams are told of another path's", async () => {
  const cases = ["other-port", "other-address"];
  assertEquals(await sayings(PROGRAM, cases), {
    "other-port": "size=1492 told=1 paths=2 first=1 active=1",
    "other-address": "size=1248 told=1 paths=2 first=1 active=1",
  });
  const without = { ...PROGRAM, without: "0037-a-path-that-carries-less.patch" };
  assertEquals(await sayings(without, cases), {
    "other-port": "size=1248 told=0 paths=2 first=1 active=1",
    "other-address": "size=1248 told=0 paths=2 first=1 active=1",
  });
});

const ADDRESS_PROGRAM: MsquicProgram = {
  program: new URL("./peer_address.c", import.meta.url).pathname,
  core: ["connection.c", "path.c"],
};

Deno.test("a peer's new address is told when it has been proved, and never before", async () => {
  const cases = {
    // Packets from an address that never answers are taken, and answered within limits: nobody is told.
    "forged": "active=2",
    "proved": "active=2 told=2",
    // Where the old address proves itself and packets come from it again, that is told: it may have moved meanwhile.
    "forged-and-back": "active=2 told=1 active=1",
    "proved-before": "active=1 told=2 active=2",
  };
  assertEquals(await sayings(ADDRESS_PROGRAM, Object.keys(cases)), cases);
});

Deno.test("without the patch a forged address is told", async () => {
  const without = { ...ADDRESS_PROGRAM, without: "0040-proved-addresses.patch" };
  assertEquals(await sayings(without, ["forged"]), { "forged": "told=2 active=2" });
});
