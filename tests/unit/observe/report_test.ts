import { assertEquals } from "@std/assert";
import { formatReport } from "../../../src/observe/report.ts";

Deno.test("a report marks what may be wrong, says what to do, and counts it", () => {
  const text = formatReport([
    { title: "Adapter", findings: [{ what: "driver", how: "9.27" }] },
    {
      title: "Windows",
      findings: [
        { what: "broadcast", how: 'by "Ethernet"', advice: "end the other VPN" },
        { what: "name", how: "a\u001b[2Jb\nc" },
      ],
    },
  ]);
  assertEquals(text.split("\n"), [
    "Adapter",
    "  driver:               9.27",
    "",
    "Windows",
    '! broadcast:            by "Ethernet"',
    "                        → end the other VPN",
    "  name:                 a[2Jbc",
    "",
    '1 thing to look at, marked with "!".',
  ]);
});

Deno.test("a report without a mark says that nothing looks wrong", () => {
  assertEquals(formatReport([]), "Nothing looks wrong.");
});
