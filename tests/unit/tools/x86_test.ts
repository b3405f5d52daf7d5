/** Instructions as an assembler writes them, with the place of the address in them. */
import { assertEquals } from "@std/assert";
import { Field, InstructionReader } from "../../../tools/build/runtime/x86.ts";

interface Case {
  readonly text: string;
  readonly bytes: string;
  readonly field?: number;
  readonly at?: number;
}

const CASES: readonly Case[] = [
  { text: "ret", bytes: "c3" },
  { text: "push %rbp", bytes: "55" },
  { text: "mov %rsp,%rbp", bytes: "48 89 e5" },
  { text: "sub $0x1234,%rsp", bytes: "48 81 ec 34 12 00 00" },
  { text: "sub $0x12,%rsp", bytes: "48 83 ec 12" },
  { text: "call", bytes: "e8 01 02 03 04", field: Field.jump, at: 1 },
  { text: "jmp", bytes: "e9 01 02 03 04", field: Field.jump, at: 1 },
  { text: "jmp short", bytes: "eb 10" },
  { text: "je", bytes: "0f 84 01 02 03 04", field: Field.jump, at: 2 },
  { text: "call *(%rip)", bytes: "ff 15 01 02 03 04", field: Field.address, at: 2 },
  { text: "lea (%rip),%rax", bytes: "48 8d 05 01 02 03 04", field: Field.address, at: 3 },
  { text: "movl $1,(%rip)", bytes: "c7 05 01 02 03 04 01 00 00 00", field: Field.address, at: 2 },
  { text: "movw $1,(%rip)", bytes: "66 c7 05 01 02 03 04 01 00", field: Field.address, at: 3 },
  { text: "cmpb $0,(%rip)", bytes: "80 3d 01 02 03 04 00", field: Field.address, at: 2 },
  { text: "movabs $…,%rax", bytes: "48 b8 01 02 03 04 05 06 07 08" },
  { text: "mov $1,%eax", bytes: "b8 01 00 00 00" },
  { text: "mov $1,%ax", bytes: "66 b8 01 00" },
  { text: "movabs (…),%eax", bytes: "a1 01 02 03 04 05 06 07 08" },
  { text: "mov %fs:0,%rax", bytes: "64 48 8b 04 25 00 00 00 00", field: Field.thread, at: 5 },
  {
    text: "mov 0x100(%rax),%rcx",
    bytes: "48 8b 88 00 01 00 00",
    field: Field.displacement,
    at: 3,
  },
  { text: "mov 0x10(%rsp),%rcx", bytes: "48 8b 4c 24 10" },
  {
    text: "mov 0(,%rax,8),%rcx",
    bytes: "48 8b 0c c5 00 00 00 00",
    field: Field.displacement,
    at: 4,
  },
  { text: "test $1,%al by its group", bytes: "f6 c0 01" },
  { text: "neg %eax", bytes: "f7 d8" },
  { text: "test $…,%eax by its group", bytes: "f7 c0 01 02 03 04" },
  { text: "nopw 0(%rax,%rax,1)", bytes: "66 0f 1f 44 00 00" },
  { text: "endbr64", bytes: "f3 0f 1e fa" },
  { text: "pshufd", bytes: "66 0f 70 c0 4e" },
  { text: "pshufb", bytes: "66 0f 38 00 c1" },
  { text: "palignr", bytes: "66 0f 3a 0f c1 08" },
  { text: "bswap %rax", bytes: "48 0f c8" },
  { text: "syscall", bytes: "0f 05" },
  { text: "vzeroupper", bytes: "c5 f8 77" },
  { text: "vmovdqu (%rdi),%ymm0", bytes: "c5 fe 6f 07" },
  { text: "vpaddd (%rip),%xmm0", bytes: "c5 f9 fe 05 01 02 03 04", field: Field.address, at: 4 },
  { text: "vinserti128", bytes: "c4 e3 7d 38 c1 01" },
  { text: "vpternlogd (EVEX)", bytes: "62 f3 7d 48 25 c1 ff" },
  { text: "vmovdqu64 (EVEX)", bytes: "62 f1 fe 48 6f 07" },
  { text: "enter", bytes: "c8 01 02 03" },
  { text: "lock cmpxchg", bytes: "f0 48 0f b1 0f" },
];

function parse(text: string): Uint8Array {
  return Uint8Array.from(text.split(" "), (byte) => parseInt(byte, 16));
}

Deno.test("each instruction's length, and where its address stands", () => {
  for (const { text, bytes, field = Field.none, at = -1 } of CASES) {
    const code = parse(bytes);
    // Whatever follows is not looked at, and offsets count from the beginning of all bytes.
    const among = new Uint8Array(code.length + 24).fill(0xff);
    among.set(code, 4);
    const reader = new InstructionReader(among);
    assertEquals(reader.read(4, among.length), true, text);
    assertEquals(reader.length, code.length, text);
    assertEquals([reader.field, reader.fieldOffset], [field, at < 0 ? -1 : at + 4], text);
  }
});

Deno.test("an instruction that does not end in time, or is none, is said to be none", () => {
  for (const { text, bytes } of CASES) {
    const code = parse(bytes);
    const reader = new InstructionReader(code);
    assertEquals(reader.read(0, code.length - 1), false, text);
  }
  for (const bytes of ["06", "60", "d6", "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", ""]) {
    const code = bytes === "" ? new Uint8Array() : parse(bytes);
    assertEquals(new InstructionReader(code).read(0, code.length), false, bytes);
  }
});

Deno.test("access to a thread's own block is told from others", () => {
  const reader = new InstructionReader(parse("64 48 8b 04 25 00 00 00 00 48 8b 00"));
  reader.read(0, 12);
  assertEquals(reader.usesThread, true);
  reader.read(9, 12);
  assertEquals(reader.usesThread, false);
});
