/** Lists that a peer could make long: sent and lost packets, and ranges of an ACK frame (patches 0031, 0032, 0034, 0043). */
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { LOST_PACKETS_BYTES, TRACKING_BYTES } from "../../src/programs/relay/unit_limits.ts";
import { type MsquicProgram, sayings } from "../support/msquic_program.ts";

const LISTS: MsquicProgram = {
  program: new URL("./packet_lists.c", import.meta.url).pathname,
  core: [
    ...["loss_detection.c", "mtu_discovery.c", "sent_packet_metadata.c"],
    ...["ack_tracker.c", "range.c", "frame.c"],
  ],
};

/** What is remembered after 10,000 packets that acknowledge, and after 5,000 of which all but the last are lost. */
const PACKETS: Record<string, string> = {
  "ack-only": "256 sent 0 lost; 55 sent 0 lost;",
  "ack-only-again": "0 sent 0 lost; 256 sent 0 lost;",
  "between": "1256 sent 0 lost; 0 sent 0 lost;",
  "lost": "3 sent 256 lost; 3 sent 251 lost; 0 sent 0 lost;",
};

Deno.test("of packets that only acknowledge, and of lost ones, the list stays short", async () => {
  assertEquals(await sayings(LISTS, Object.keys(PACKETS)), PACKETS);
});

Deno.test("on a path that reorders a thousand packets may come late, and no more", async () => {
  assertEquals(await sayings(LISTS, ["late"]), {
    "late": "3 sent 5 lost; 1002 sent 5 lost; 1024 sent 256 lost;",
  });
});

Deno.test("without the patch the peer decides how long it becomes", async () => {
  const without = { ...LISTS, without: "0032-short-packet-lists.patch" };
  assertEquals(await sayings(without, Object.keys(PACKETS)), {
    "ack-only": "10000 sent 0 lost; 9799 sent 200 lost;",
    "ack-only-again": "0 sent 0 lost; 300 sent 0 lost;",
    "between": "4000 sent 0 lost; 0 sent 0 lost;",
    "lost": "3 sent 4996 lost; 3 sent 4991 lost; 0 sent 0 lost;",
  });
});

Deno.test("who acknowledges the handshake's packets behind it is found out, and they are given back", async () => {
  assertEquals(await sayings(LISTS, ["wrong-level"]), {
    "wrong-level": "invalid 0 sent 0 lost; 5 given back",
  });
});

Deno.test("without the patch nothing is said, and their memory is lost", async () => {
  const without = { ...LISTS, without: "0034-acks-of-another-level.patch" };
  assertEquals(await sayings(without, ["wrong-level"]), {
    "wrong-level": "0 sent 0 lost; 0 given back",
  });
});

const BUFFER: MsquicProgram = {
  program: new URL("./receive_buffer.c", import.meta.url).pathname,
  core: ["recv_buffer.c", "range.c", "stream_recv.c"],
};

Deno.test("the lists of a connection take no more memory than its service's unit allows for", async () => {
  const bytes = async (program: MsquicProgram, name: string) =>
    Number((await sayings(program, [name]))[name]);
  const pieces = await bytes(BUFFER, "memory-1024");
  assertLessOrEqual(pieces + await bytes(LISTS, "memory-ack-only"), TRACKING_BYTES);
  assertLessOrEqual(await bytes(LISTS, "memory-lost"), LOST_PACKETS_BYTES);
});

/** The newest of 128 ranges, in a packet of 1200 bytes. */
const RANGES: Record<string, string> = {
  "ranges-short": "read 128 of 128, full",
  "ranges-wide": "read 116 of 116, full",
  "ranges-wide-ecn": "read 126 of 126, full",
};

Deno.test("an ACK frame tells of as many ranges as the packet has room for", async () => {
  assertEquals(await sayings(LISTS, Object.keys(RANGES)), RANGES);
});

Deno.test("without the patch it is not written at all", async () => {
  const without = { ...LISTS, without: "0031-acks-that-fit.patch" };
  assertEquals(await sayings(without, Object.keys(RANGES)), {
    "ranges-short": "read 128 of 128, full",
    "ranges-wide": "not written",
    "ranges-wide-ecn": "not written",
  });
});
