import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { cleanText, countCodePoints } from "../../src/proto/clean_text.ts";
import { parseRoomCode } from "../../src/ctrl/room.ts";

Deno.test("controls of every kind are taken out of a text", () => {
  const cases: [string, string, string][] = [
    ["C0", "a\u0000b\u001b[31mc\r\nd\te\u001f", "ab[31mcde"],
    ["DEL and C1", "a\u007f\u0080\u0085\u009b\u009fb", "ab"],
    ["bidirectional marks", "a\u061c\u200e\u200fb", "ab"],
    ["bidirectional embeddings and overrides", "a\u202a\u202b\u202c\u202d\u202eb", "ab"],
    ["bidirectional isolates", "a\u2066\u2067\u2068\u2069b", "ab"],
    ["nothing else", "Zoë ☕ 東京 \u00a0 👩‍🚀", "Zoë ☕ 東京 \u00a0 👩‍🚀"],
    ["lone surrogates", "a\ud800b\udc00", "a\ufffdb\ufffd"],
    [
      "neighbours of controls",
      " ~\u00a0\u061b\u061d\u200d\u2010\u2029\u202f\u2065\u206a",
      " ~\u00a0\u061b\u061d\u200d\u2010\u2029\u202f\u2065\u206a",
    ],
  ];
  for (const [name, text, clean] of cases) assertEquals(cleanText(text), clean, name);
});

Deno.test("a text is cut after code points, not in the middle of one, and not counting controls", () => {
  assertEquals(cleanText("👩👩👩", 2), "👩👩");
  assertEquals(cleanText("\u0001a\u0002b\u0003c", 2), "ab");
  assertEquals(cleanText("abc", 0), "");
  assertEquals(countCodePoints("👩a"), 2);
});

Deno.test("cleaning a clean text changes nothing", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 20 }), (text, max) => {
    const clean = cleanText(text, max);
    assertEquals(cleanText(clean, max), clean);
    assertEquals(countCodePoints(clean) <= max, true);
    assertEquals(/\p{Cc}|\p{Bidi_Control}|\p{Cs}/u.test(clean), false);
  }));
});

Deno.test("room codes are folded in ASCII alone", () => {
  const cases: [string, string | undefined][] = [
    ["PARTY", "PARTY"],
    ["party-2026", "PARTY-2026"],
    ["-", "-"],
    ["a".repeat(32), "A".repeat(32)],
    ["a".repeat(33), undefined],
    ["", undefined],
    ["my party", undefined],
    ["PARTY\n", undefined],
    ["ı", undefined],
    ["ſ", undefined],
    ["\u212a", undefined], // the Kelvin sign
    ["PÄRTY", undefined],
    ["a_b", undefined],
  ];
  for (const [text, code] of cases) assertEquals(parseRoomCode(text), code, JSON.stringify(text));
});
