import { assertEquals } from "@std/assert";
import { formatFieldValue } from "../../../src/log/logging.ts";

Deno.test("what a player calls himself cannot be taken for another field of a log line", () => {
  const cases: [unknown, string][] = [
    ["PARTY", "PARTY"],
    ["[2001:db8::1]:443", "[2001:db8::1]:443"],
    ["Zoë", "Zoë"],
    ["x address=192.0.2.1", '"x address=192.0.2.1"'],
    ["a=b", '"a=b"'],
    ["a b", '"a b"'],
    ["שלום", "\u2068שלום\u2069"],
    ["אב 7", '\u2068"אב 7"\u2069'],
    ["a\u00a0b", '"a\u00a0b"'],
    ['"', '"\\""'],
    ["", '""'],
    ["a\nb", '"a\\nb"'],
    [7, "7"],
    [{ a: "b c" }, '{"a":"b c"}'],
  ];
  for (const [value, text] of cases) assertEquals(formatFieldValue(value), text);
});
