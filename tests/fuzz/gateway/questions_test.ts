/** Whatever bears the mark of questions about the LAN, from wherever it comes. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { LanTalkView, parseLanTalk } from "../../../src/proto/lan_talk.ts";
import { GatewayHarness, PLAYER } from "../../unit/gateway/harness.ts";
import { hex, join } from "../../unit/proto/frames.ts";
import { fuzz } from "../proto/fuzz.ts";

const MARK = "88b56c616e70726f6f66";
const [BYTES_MIN, BYTES_MAX] = [22, 120];

/** A frame with the mark: what is behind it, and how much of it is there. */
const frames = fc.record({
  target: fc.constantFrom("ffffffffffff", "001122334455", "020000000051", "f20203040506"),
  source: fc.constantFrom("020000000051", "020000000052", "001122334455"),
  version: fc.constantFrom("", "01", "0100", "0101", "0200", "0109"),
  rest: fc.uint8Array({ maxLength: BYTES_MAX - BYTES_MIN, size: "max" }),
  isFromLan: fc.boolean(),
  waitMs: fc.nat(200),
});

Deno.test("a question ends at the gateway; what leaves it is an answer to a player, as long as a question", () => {
  const view = new LanTalkView();
  let answered = 0;
  const property = fc.property(fc.array(frames, { maxLength: 40, size: "max" }), (list) => {
    const harness = GatewayHarness.joined();
    for (const { target, source, version, rest, isFromLan, waitMs } of list) {
      const frame = join(hex(target + source + MARK + version), rest);
      harness.nowMs += waitMs;
      if (isFromLan) harness.fromLan(frame);
      else harness.fromTunnel(frame);
      assertEquals(harness.lan, [], "it left for the LAN");
      const answers = harness.tunnel();
      answered += answers.length;
      assert(answers.length <= (isFromLan ? 0 : 1));
      for (const text of answers) {
        const bytes = hex(text);
        assertEquals(text.slice(0, 12), PLAYER.replaceAll(":", ""));
        assertEquals(parseLanTalk(bytes, 0, bytes.length, view) && view.isAnswer, true);
        assertEquals(bytes.length, 60);
      }
    }
  });
  fuzz(property, { runs: 200 });
  assert(answered > 20, `only ${answered} of them were questions`);
});
