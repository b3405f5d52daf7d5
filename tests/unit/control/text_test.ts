import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { cleanText, countCodePoints, isolated } from "../../../src/proto/clean_text.ts";
import { parseRoomCode } from "../../../src/control/room.ts";

//= PROTOCOL.md 4
//# Text that people will read (`name`, `agent`, `message`) is cleaned before it is counted or
//# shown:
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
      " ~\u00a0\u061b\u061d\u200d\u2010\u2027\u202f\u2065\u206a",
      " ~\u00a0\u061b\u061d\u200d\u2010\u2027\u202f\u2065\u206a",
    ],
    // A paragraph's end would end the isolate around a name, too.
    ["separators of lines and paragraphs", "a\u2028b\u2029c", "abc"],
    ["heaps of marks", `a${"\u0301".repeat(99)}b\u0302`, `a${"\u0301".repeat(4)}b\u0302`],
    ["marks that nothing carries", "\u0301\u200d\u20dda", "\u200da"],
    [
      "marks behind joiners and tags",
      "a\u0301\u0301\u200d\u0301\u{e0041}\u0301\u0301b",
      "a\u0301\u0301\u200d\u0301\u{e0041}\u0301b",
    ],
    [
      "marks behind a control that is taken out",
      "a\u0301\u0301\u0301\u202e\u0301\u0001\u0301",
      "a\u0301\u0301\u0301\u0301",
    ],
    ["names as people have them", "שָׁלוֹם ทีมที่ Việt 1\ufe0f\u20e3", "שָׁלוֹם ทีมที่ Việt 1\ufe0f\u20e3"],
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
    assertEquals(/[\p{Cc}\p{Bidi_Control}\p{Cs}\p{Zl}\p{Zp}]/u.test(clean), false);
  }));
});

//= PROTOCOL.md 4
//# Then combining marks (general categories Mn and Me) are taken out in front of the first other
//# character, and behind each other character all but its first 4; format characters (Cf) count as
//# neither.
Deno.test("no text keeps more than four marks on a character, whatever stands between them", () => {
  const unit = fc.constantFrom(
    ..."aש1 ",
    "\u0301",
    "\u20dd",
    "\u200d",
    "\u202e",
    "\u0007",
    "\u{e0041}",
  );
  fc.assert(fc.property(fc.string({ unit }), (text) => {
    const bare = cleanText(text).replace(/\p{Cf}/gu, "");
    assertEquals(/(^|[\p{Mn}\p{Me}]{4})[\p{Mn}\p{Me}]/u.test(bare), false);
    const letters = (all: string) => all.replace(/[^aש1 ]/gu, "");
    assertEquals(letters(bare), letters(text));
  }));
});

//= PROTOCOL.md 4
//# Whoever shows such a text beside others isolates it (UAX #9) where it may run from right to
//# left.
Deno.test("a text that may run from right to left is isolated, and no other", () => {
  const rows: [string, boolean][] = [
    ["Zoë", false],
    ["東京 🎮", false],
    ["", false],
    ["שלום", true],
    ["abc ابج 12", true],
    ["٣٤", true],
    ["\ufdfa", true],
    ["\u{1e922}", true],
    ["\u{10b42}", true],
    ["\u0800", true],
    ["\u058f", false],
    ["\u0900", false],
  ];
  for (const [text, turned] of rows) {
    assertEquals(isolated(text), turned ? `\u2068${text}\u2069` : text, JSON.stringify(text));
  }
});

//= PROTOCOL.md 6.1
//# | **`room`** | text | 1 to 32 of `A`–`Z`, `0`–`9` and `-`, after `a`–`z` are folded to upper
//# case: ASCII only, so `ı` or `ſ` is no letter of a room
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
