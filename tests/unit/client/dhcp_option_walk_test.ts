/** DHCP options one after the other, and what the client asks for. */
import { assertEquals } from "@std/assert";
import { askedOptions, DHCP_OPTIONS } from "../../../src/client/dhcp_options.ts";
import { DhcpOptionWalk, findOption } from "../../../src/client/dhcp_option_walk.ts";
import { type Reply, replyFrame } from "./dhcp_frames.ts";

const MESSAGE_AT = 42;

/** The options of a message as the walk finds them: code and value. */
function walkOver(frame: Uint8Array) {
  const walk = new DhcpOptionWalk();
  const found: number[][] = [];
  for (walk.beginMessage(frame, MESSAGE_AT, frame.length); walk.next();) {
    const { code, valueAt, valueBytes } = walk;
    found.push([code, ...frame.subarray(valueAt, valueAt + valueBytes)]);
  }
  return { found, isWhole: walk.isWhole };
}

const FIELDS: Reply = { options: [], file: [[15, 1]], sname: [[6, 2]] };

Deno.test("options are found in the fields that option 52 names, and there alone", () => {
  const walks: [number[], number[][]][] = [
    [[], []],
    [[52, 1], [[15, 1]]],
    [[52, 2], [[6, 2]]],
    [[52, 3], [[15, 1], [6, 2]]],
    [[52, 1, 1], []], // of a wrong length
  ];
  for (const [option, others] of walks) {
    const own = [[53, 2], ...option.length === 0 ? [] : [option]] as [number, ...number[]][];
    const frame = replyFrame({ ...FIELDS, options: own });
    assertEquals(walkOver(frame), { found: [...own, ...others], isWhole: true });
  }
});

Deno.test("what a field other than the first says of further fields is not followed", () => {
  const frame = replyFrame({ ...FIELDS, options: [[52, 1]], file: [[52, 2]] });
  assertEquals(walkOver(frame).found, [[52, 1], [52, 2]]);
});

Deno.test("zeros between options are passed over, and a field may end with its last option", () => {
  const padded = replyFrame({ options: [[0], [53, 2], [0], [0], [51, 9]] });
  assertEquals(walkOver(padded).found, [[53, 2], [51, 9]]);
  const full = replyFrame({ options: [[53, 2], [51, 9]], optionsBytes: 6, noEnd: true });
  assertEquals(walkOver(full), { found: [[53, 2], [51, 9]], isWhole: true });
});

Deno.test("an option that goes beyond its field ends the walk", () => {
  for (const [options, optionsBytes] of [[[53, 1, 2, 51, 5], 5], [[53, 1, 2, 51], 4]] as const) {
    const frame = replyFrame({ options: [], optionsBytes, noEnd: true });
    frame.set(options, MESSAGE_AT + 240);
    assertEquals(walkOver(frame), { found: [[53, 2]], isWhole: false });
    assertEquals(findOption(frame, MESSAGE_AT, frame.length, 51, -1), -1);
  }
});

Deno.test("the client asks for what it uses of what passes, routes before the routers that they replace", () => {
  assertEquals(askedOptions(false), [1, 28]);
  assertEquals(askedOptions(true), [1, 28, 121, 3, 6, 15, 119]);
  const passing = DHCP_OPTIONS.filter(({ passes }) => passes !== "never").map(({ code }) => code);
  assertEquals(askedOptions(true).filter((code) => !passing.includes(code)), []);
});
