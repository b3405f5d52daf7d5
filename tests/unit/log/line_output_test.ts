import { assertEquals } from "@std/assert";
import { LineOutput, type LineWriter, PENDING_BYTES_MAX } from "../../../src/log/line_output.ts";

/** A reader that can be held, and takes a few bytes at a time. */
class Reader implements LineWriter {
  ready = true;
  text = "";
  bytesMax = Infinity;

  isReady(): boolean {
    return this.ready;
  }

  write(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.bytesMax);
    this.text += new TextDecoder().decode(taken);
    return taken.length;
  }
}

Deno.test("lines go out at once, in order, whole, however little is taken at a time", () => {
  const reader = new Reader();
  const output = new LineOutput(reader);
  reader.bytesMax = 3;
  output.line("the first line\n");
  output.line("the second\n");
  assertEquals(reader.text, "the first line\nthe second\n");
});

Deno.test("while nobody reads, lines wait up to a bound; what is lost is said afterwards", () => {
  const reader = new Reader();
  reader.ready = false;
  const output = new LineOutput(reader);
  const line = `${"x".repeat(999)}\n`;
  for (let i = 0; i < 100; i++) output.line(line);
  const kept = Math.floor(PENDING_BYTES_MAX / 1000);
  assertEquals(output.lost, 100 - kept);
  reader.ready = true;
  output.flush();
  const told = `(${100 - kept} lines were lost: they were not read in time)\n`;
  assertEquals(reader.text, line.repeat(kept) + told);
  assertEquals(output.lost, 0);
});

Deno.test("a reader that is gone costs the lines, and nothing else", () => {
  const reader = new Reader();
  reader.write = () => {
    throw new Deno.errors.BrokenPipe("gone");
  };
  const output = new LineOutput(reader);
  output.line("a line\n");
  output.line("another\n");
});
