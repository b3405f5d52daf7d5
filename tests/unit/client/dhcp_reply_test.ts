import { assertEquals } from "@std/assert";
import { describeReply, isReplyFor, readDhcpReply } from "../../../src/client/dhcp_reply.ts";
import { type Option, PLAYER_MAC, replyFrame } from "./dhcp_frames.ts";

const MESSAGE_AT = 42;
const LEASE: Option = [51, 0, 0, 14, 16];
const SERVER: Option = [54, 10, 77, 0, 1];

function describe(options: readonly Option[], removed: number[] = []) {
  return describeFrame(replyFrame({ options }), removed);
}

function describeFrame(frame: Uint8Array, removed: number[] = []) {
  const reply = readDhcpReply(frame, MESSAGE_AT, frame.length, Uint8Array.fromHex(PLAYER_MAC));
  return reply && describeReply(reply, removed);
}

Deno.test("an acknowledgement is told with its address, server, lease and what was taken out", () => {
  assertEquals(describe([[53, 5], SERVER, LEASE], [3, 6]), {
    type: "dhcp",
    message: "ack",
    address: "10.77.0.77",
    server: "10.77.0.1",
    leaseSeconds: 3600,
    removedOptions: [3, 6],
  });
});

Deno.test("what a reply does not hold is not told", () => {
  const frame = replyFrame({ options: [[0], [53, 6]] });
  frame.fill(0, MESSAGE_AT + 16, MESSAGE_AT + 20);
  assertEquals(describeFrame(frame), {
    type: "dhcp",
    message: "nak",
    removedOptions: [],
  });
});

Deno.test("options of an odd length are not taken for what they are not", () => {
  assertEquals(describe([[53, 2], [51, 1, 2], [54, 1, 2, 3, 4, 5]]), {
    type: "dhcp",
    message: "offer",
    address: "10.77.0.77",
    removedOptions: [],
  });
});

Deno.test("a lease without end is the largest number", () => {
  assertEquals(describe([[53, 5], [51, 255, 255, 255, 255]])?.leaseSeconds, 0xffffffff);
});

Deno.test("messages that are no offer, acknowledgement or refusal are not told", () => {
  for (const type of [0, 1, 3, 4, 7, 8, 255]) assertEquals(describe([[53, type]]), undefined);
  assertEquals(describe([SERVER]), undefined);
});

Deno.test("a reply is for the station whose hardware address it names", () => {
  const mac = Uint8Array.fromHex(PLAYER_MAC);
  const frame = replyFrame({ options: [] });
  assertEquals(isReplyFor(frame, MESSAGE_AT, mac), true);
  assertEquals(isReplyFor(frame, MESSAGE_AT, Uint8Array.fromHex("020000000052")), false);
  const token = replyFrame({ options: [] });
  token[MESSAGE_AT + 1] = 6;
  assertEquals(isReplyFor(token, MESSAGE_AT, mac), false);
});
