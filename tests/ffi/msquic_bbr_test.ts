/** BBR before it knows a round-trip time (patch 0022). */
import { assertEquals } from "@std/assert";
import { type MsquicProgram, sayings } from "../support/msquic_program.ts";

const PROGRAM: MsquicProgram = {
  program: new URL("./bbr_start.c", import.meta.url).pathname,
  core: ["bbr.c"],
};

const CASES: Record<string, string> = {
  "ack-without-rtt": "startup",
  "ack-with-rtt": "startup",
  "rtt-expired": "probe-rtt",
  "window": "the first window",
  "allowance": "the first window",
};

Deno.test("without a round-trip time BBR stays at its start, with the first window", async () => {
  assertEquals(await sayings(PROGRAM, Object.keys(CASES)), CASES);
});

Deno.test("without the patch it makes a model of a round-trip time that it does not have", async () => {
  const without = { ...PROGRAM, without: "0022-no-rtt-no-model.patch" };
  assertEquals(await sayings(without, Object.keys(CASES)), {
    ...CASES,
    "ack-without-rtt": "probe-rtt",
    "window": "a wrong window",
    "allowance": "a part of it",
  });
});
