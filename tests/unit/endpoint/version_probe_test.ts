/** A packet that any QUIC server answers, and how its answer is told from others. */
import { assertEquals } from "@std/assert";
import { answersProbe, PROBE_BYTES, versionProbe } from "../../../src/endpoint/version_probe.ts";

/** RFC 8999, section 6: the ids of the packet, the other way round. */
function answerTo(probe: Uint8Array): Uint8Array {
  const [destination, source] = [probe.subarray(6, 14), probe.subarray(15, 23)];
  return Uint8Array.of(0x80, 0, 0, 0, 0, 8, ...source, 8, ...destination, 0, 0, 0, 1);
}

Deno.test("a probe is a long header of a reserved version, as long as a first packet", () => {
  let next = 1;
  const probe = versionProbe((count) => new Uint8Array(count).fill(next++));
  assertEquals(probe.length, PROBE_BYTES);
  assertEquals([...probe.subarray(0, 6)], [0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8]);
  assertEquals([...probe.subarray(6, 23)], [...Array(8).fill(1), 8, ...Array(8).fill(2)]);
  assertEquals(probe.subarray(23).every((byte) => byte === 0), true);
});

Deno.test("its answer is version negotiation with its ids, and nothing else is", () => {
  let next = 1;
  const probe = versionProbe((count) => new Uint8Array(count).fill(next++));
  const answer = answerTo(probe);
  assertEquals(answersProbe(answer, probe), true);
  assertEquals(answersProbe(answer.subarray(0, 22), probe), false);
  for (const index of [0, 1, 4, 5, 6, 13, 14, 15, 22]) {
    const wrong = answer.slice();
    wrong[index] ^= 0x80;
    assertEquals(answersProbe(wrong, probe), false, `byte ${index}`);
  }
});
