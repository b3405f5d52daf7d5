/**
 * Packet numbers that are left out, or come late, split ranges, and references to the dead (patches 0019, 0020, 0028,
 * 0045).
 */
import { assertEquals } from "@std/assert";
import { type MsquicProgram, sayings } from "../support/msquic_program.ts";

const NUMBERS: MsquicProgram = {
  program: new URL("./skipped_numbers.c", import.meta.url).pathname,
  core: ["send.c", "loss_detection.c", "range.c", "frame.c"],
};

/** 0xa is PROTOCOL_VIOLATION. */
const ACKS: Record<string, string> = {
  "spread": "late 0, few 0, many 0",
  "ack-honest": "taken",
  "ack-all": "error 0xa refused",
  "ack-all-later": "error 0xa refused",
};
const SPLIT: Record<string, string> = { "split": "16 of 16, 400+10 500+4 507+3 600+10" };

Deno.test("who acknowledges a packet number that was left out has made it up", async () => {
  assertEquals(await sayings(NUMBERS, Object.keys(ACKS)), ACKS);
});

Deno.test("without the patch no packet number is left out", async () => {
  const without = { ...NUMBERS, without: "0019-skipped-packet-numbers.patch" };
  assertEquals(await sayings(without, ["spread", "ack-all"]), {
    "spread": "late 100, few 100, many 0",
    "ack-all": "taken",
  });
});

Deno.test("a range is split in an array that has to grow", async () => {
  assertEquals(await sayings(NUMBERS, ["split"]), SPLIT);
});

Deno.test("without the patch its second half comes from freed memory", async () => {
  const without = { ...NUMBERS, without: "0020-range-split.patch" };
  const freed = BigInt("0xdddddddddddddddd");
  assertEquals(await sayings(without, ["split"]), {
    "split": `16 of 16, 400+10 ${freed}+${freed} 500+10 600+10`,
  });
});

const OLD: MsquicProgram = {
  program: new URL("./old_packets.c", import.meta.url).pathname,
  core: ["ack_tracker.c", "range.c"],
};

const LATE: Record<string, string> = {
  "newest": "128 ranges from 1002 to 2000",
  "between": "127 ranges from 1000 to 1254",
  "beside": "128 ranges from 999 to 1254",
  "oldest": "128 ranges from 1000 to 1254",
};

Deno.test("a packet that is older than all gaps that are kept is not acknowledged", async () => {
  assertEquals(await sayings(OLD, Object.keys(LATE)), LATE);
});

Deno.test("without the patch it ends the connection", async () => {
  const without = { ...OLD, without: "0045-old-packets-end-nothing.patch" };
  assertEquals(await sayings(without, ["oldest"]), {
    "oldest": "error 0x1 128 ranges from 1000 to 1254",
  });
});

const REFERENCE: MsquicProgram = {
  program: new URL("./dead_reference.c", import.meta.url).pathname,
  core: [],
  platform: ["platform_posix.c"],
};

Deno.test("a new reference to what has none ends the program", async () => {
  assertEquals(await sayings(REFERENCE, ["0", "1", "5"]), { "0": "crashed", "1": "2", "5": "6" });
});

Deno.test("without the patch it goes unnoticed", async () => {
  const without = { ...REFERENCE, without: "0028-no-reference-to-the-dead.patch" };
  assertEquals(await sayings(without, ["0"]), { "0": "1" });
});
