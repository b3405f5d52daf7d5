import { assertEquals, assertGreater } from "@std/assert";
import { checkCall, closeFd, libc, O_NONBLOCK, O_RDWR } from "../../../../src/ffi/libc.ts";
import { LineChannel, LINES_MAX } from "../../../../src/system/process/linux_line_channel.ts";
import { createReactor } from "../../../../src/reactor/mod.ts";

libc(); // opened for good, so not within a test

const O_WRONLY = 1;
const LONG_BYTES = 1 << 20;
const TURNS_MAX = 10_000;

/** A channel on two FIFOs, and the other side of both. */
class Bench implements AsyncDisposable {
  readonly reactor = createReactor();
  readonly lines: string[] = [];
  readonly channel: LineChannel;
  ends = 0;
  readonly #fds: number[];
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    const open = (name: string, flags: number) =>
      checkCall(
        "open",
        libc().open(new TextEncoder().encode(`${folder}/${name}\0`), flags | O_NONBLOCK),
      );
    // The reading end first: a FIFO that nobody reads cannot be opened for writing.
    this.#fds = [open("in", 0), open("in", O_WRONLY), open("out", O_RDWR)];
    this.channel = new LineChannel(this.reactor, this.#fds[0], this.#fds[2], {
      line: (text) => this.lines.push(text),
      ended: () => this.ends++,
    });
  }

  static async open(): Promise<Bench> {
    const folder = await Deno.makeTempDir({ prefix: "lanparty-lines-" });
    await new Deno.Command("mkfifo", { args: [`${folder}/in`, `${folder}/out`] }).output();
    return new Bench(folder);
  }

  /** Writes to the channel's input all that fits. */
  write(bytes: Uint8Array<ArrayBuffer>): number {
    return Number(libc().write(this.#fds[1], bytes, BigInt(bytes.length)));
  }

  /** Reads what the channel has written. */
  read(): string {
    const bytes = new Uint8Array(65_536);
    const length = Number(libc().read(this.#fds[2], bytes, BigInt(bytes.length)));
    return length <= 0 ? "" : new TextDecoder().decode(bytes.subarray(0, length));
  }

  closeWriter(): void {
    closeFd(this.#fds[1]);
    this.#fds[1] = -1;
  }

  turn(): void {
    this.reactor.turn(1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.channel.close();
    for (const fd of this.#fds) if (fd >= 0) closeFd(fd);
    this.reactor.close();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("lines come whole, however they are cut, and the end is told once", async () => {
  await using bench = await Bench.open();
  for (const piece of ["one\ntw", "o", "\n\nö", "\n"]) {
    bench.write(encode(piece));
    bench.turn();
  }
  assertEquals(bench.lines, ["one", "two", "", "ö"]);
  bench.write(encode("no end"));
  bench.closeWriter();
  for (let i = 0; i < 5; i++) bench.turn();
  assertEquals([bench.lines.length, bench.ends], [4, 1]);
  bench.channel.send("nobody is there\n");
});

Deno.test("a long line goes both ways while the reader takes its time, and nothing blocks", async () => {
  await using bench = await Bench.open();
  const long = encode(`${"x".repeat(LONG_BYTES)}\n`);
  let sent = 0;
  for (let turns = 0; bench.lines.length === 0 && turns < TURNS_MAX; turns++) {
    sent += Math.max(0, sent < long.length ? bench.write(long.subarray(sent)) : 0);
    bench.turn();
  }
  assertEquals(bench.lines.map(({ length }) => length), [LONG_BYTES]);
  bench.channel.send(`${"y".repeat(LONG_BYTES)}\n`);
  bench.channel.send("short\n");
  let text = "";
  for (let turns = 0; !text.endsWith("short\n") && turns < TURNS_MAX; turns++) {
    text += bench.read();
    bench.turn();
  }
  assertEquals(text.length, LONG_BYTES + 1 + "short\n".length);
});

Deno.test("for a reader that reads nothing only so many lines are kept, and the loop sleeps", async () => {
  await using bench = await Bench.open();
  for (let i = 0; i < 4 * LINES_MAX; i++) bench.channel.send(`${String(i).padEnd(8_191)}\n`);
  const sleeps = bench.reactor.counters.sleeps;
  for (let i = 0; i < 5; i++) bench.turn();
  assertEquals(bench.reactor.counters.sleeps, sleeps + 5);
  let text = "";
  for (let turns = 0; turns < 1_000; turns++) {
    text += bench.read();
    bench.turn();
  }
  const numbers = text.trimEnd().split("\n").map(Number);
  assertGreater(numbers.length, LINES_MAX);
  assertEquals(numbers, Array.from(numbers, (_, i) => i));
});
