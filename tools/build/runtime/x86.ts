/**
 * The lengths of x86-64 instructions, and where in them an address stands: enough to compare the code of
 * two programs that were linked from the same objects, whose addresses differ.
 *
 * Source: Intel's Software Developer's Manual, volume 2, chapter 2 (formats) and appendix A (opcode maps).
 */

/** What a 32-bit field of an instruction holds. */
export const Field = {
  none: 0,
  /** The distance to data or code, from the instruction's end (RIP-relative). */
  address: 1,
  /** The distance that a call or jump goes, from the instruction's end. */
  jump: 2,
  /** A distance within the thread's own block: the access goes by FS or GS. */
  thread: 3,
  /** A distance from a register: where a thread's block was taken by FS or GS, that of a variable in it. */
  displacement: 4,
} as const;

/** What follows an opcode. */
const Immediate = {
  none: 0,
  byte: 1,
  word: 2,
  /** Four bytes, two with the operand-size prefix. */
  operand: 3,
  /** The distance of a call or jump, four bytes. */
  jump: 4,
  /** Eight bytes with REX.W. */
  wide: 5,
  /** ENTER's three bytes. */
  enter: 6,
  /** A whole address. */
  absolute: 7,
  /** A byte or an operand, for TEST alone of its group. */
  testByte: 8,
  testOperand: 9,
  invalid: 255,
} as const;

const MAX_BYTES = 15;

/** An opcode map: of each opcode, whether a ModRM byte follows, and which immediate. */
interface OpcodeMap {
  readonly modRm: Uint8Array;
  readonly immediate: Uint8Array;
}

const ONE_BYTE = oneByteMap();
const TWO_BYTE = twoByteMap();

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function oneByteMap(): OpcodeMap {
  const modRm = new Uint8Array(256);
  const immediate = new Uint8Array(256);
  const set = (value: number, opcodes: readonly number[]) => {
    for (const opcode of opcodes) immediate[opcode] = value;
  };
  // The eight arithmetic operations: four forms with ModRM, two with an immediate.
  for (const base of range(0, 7).map((operation) => operation * 8)) {
    modRm.fill(1, base, base + 4);
    set(Immediate.byte, [base + 4]);
    set(Immediate.operand, [base + 5]);
  }
  for (const opcode of [0x63, 0x69, 0x6b, 0xc0, 0xc1, 0xc6, 0xc7, 0xf6, 0xf7, 0xfe, 0xff]) {
    modRm[opcode] = 1;
  }
  for (const [from, to] of [[0x80, 0x8f], [0xd0, 0xd3], [0xd8, 0xdf]]) modRm.fill(1, from, to + 1);
  set(Immediate.byte, [0x6a, 0x6b, ...range(0x70, 0x80), 0x83, 0xa8, ...range(0xb0, 0xb7)]);
  set(Immediate.byte, [0xc0, 0xc1, 0xc6, 0xcd, ...range(0xe0, 0xe7), 0xeb]);
  set(Immediate.operand, [0x68, 0x69, 0x81, 0xa9, 0xc7]);
  set(Immediate.wide, range(0xb8, 0xbf));
  set(Immediate.word, [0xc2, 0xca]);
  set(Immediate.enter, [0xc8]);
  set(Immediate.absolute, range(0xa0, 0xa3));
  set(Immediate.jump, [0xe8, 0xe9]);
  set(Immediate.testByte, [0xf6]);
  set(Immediate.testOperand, [0xf7]);
  set(Immediate.invalid, [0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f]);
  set(Immediate.invalid, [0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea]);
  return { modRm, immediate };
}

function twoByteMap(): OpcodeMap {
  const modRm = new Uint8Array(256).fill(1);
  const immediate = new Uint8Array(256);
  const alone = [...range(0x05, 0x09), 0x0b, 0x0e, ...range(0x30, 0x35), 0x37, 0x77];
  const registers = [0xa0, 0xa1, 0xa2, 0xa8, 0xa9, 0xaa, ...range(0xc8, 0xcf)];
  for (const opcode of [...alone, ...registers, ...range(0x80, 0x8f)]) modRm[opcode] = 0;
  for (const opcode of [0x0f, ...range(0x70, 0x73), 0xa4, 0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6]) {
    immediate[opcode] = Immediate.byte;
  }
  immediate.fill(Immediate.jump, 0x80, 0x90);
  return { modRm, immediate };
}

/** Legacy prefixes: operand and address size, segments, repetition, lock. */
const PREFIXES = new Set([0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0xf0]);
const IS_PREFIX = Uint8Array.from({ length: 256 }, (_, byte) => PREFIXES.has(byte) ? 1 : 0);

/** Reads one instruction after the other; the fields say what the last one was. */
export class InstructionReader {
  /** Of the last instruction, in bytes. */
  length = 0;
  /** Where its field lies in the bytes, if it has one, and what it holds (`Field`). */
  fieldOffset = -1;
  field: number = Field.none;
  /** Whether it has an FS or GS prefix. */
  usesThread = false;

  readonly #bytes: Uint8Array;
  #at = 0;
  #narrow = false;
  #shortAddress = false;
  #wide = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Reads the instruction that begins at `offset`; false: it is none, or does not end by `end`. */
  read(offset: number, end: number): boolean {
    this.#at = offset;
    this.fieldOffset = -1;
    this.field = Field.none;
    if (!this.#readPrefixes(offset)) return false;
    const opcode = this.#bytes[this.#at++];
    const isVector = opcode === 0xc4 || opcode === 0xc5 || opcode === 0x62;
    const known = isVector ? this.#readVector(opcode) : this.#readPlain(opcode);
    this.length = this.#at - offset;
    return known && this.#at <= end && this.length <= MAX_BYTES;
  }

  #readPrefixes(offset: number): boolean {
    this.#narrow =
      this.#shortAddress =
      this.#wide =
      this.usesThread =
        false;
    for (let byte = this.#bytes[this.#at]; IS_PREFIX[byte] === 1; byte = this.#bytes[++this.#at]) {
      if (byte === 0x66) this.#narrow = true;
      else if (byte === 0x67) this.#shortAddress = true;
      else if (byte === 0x64 || byte === 0x65) this.usesThread = true;
      if (this.#at - offset >= MAX_BYTES) return false;
    }
    const rex = this.#bytes[this.#at];
    if ((rex & 0xf0) === 0x40) {
      this.#wide = (rex & 8) !== 0;
      this.#at++;
    }
    return true;
  }

  #readPlain(first: number): boolean {
    if (first !== 0x0f) {
      const immediate = ONE_BYTE.immediate[first];
      if (immediate === Immediate.invalid) return false;
      return this.#readOperands(ONE_BYTE.modRm[first] === 1, immediate);
    }
    const opcode = this.#bytes[this.#at++];
    if (opcode === 0x38 || opcode === 0x3a) {
      this.#at++;
      return this.#readOperands(true, opcode === 0x3a ? Immediate.byte : Immediate.none);
    }
    return this.#readOperands(TWO_BYTE.modRm[opcode] === 1, TWO_BYTE.immediate[opcode]);
  }

  /** VEX (C5, C4) and EVEX (62): their second byte says the opcode map. */
  #readVector(prefix: number): boolean {
    const second = this.#bytes[this.#at];
    const map = prefix === 0xc5 ? 1 : prefix === 0xc4 ? second & 31 : second & 7;
    this.#at += prefix === 0xc5 ? 1 : prefix === 0xc4 ? 2 : 3;
    const opcode = this.#bytes[this.#at++];
    if (map === 0 || map > 6) return false;
    const hasByte = map === 3 || (map === 1 && TWO_BYTE.immediate[opcode] === Immediate.byte);
    return this.#readOperands(
      map !== 1 || opcode !== 0x77,
      hasByte ? Immediate.byte : Immediate.none,
    );
  }

  #readOperands(hasModRm: boolean, immediate: number): boolean {
    if (!hasModRm) return this.#readImmediate(immediate);
    const modRm = this.#bytes[this.#at++];
    const mode = modRm >> 6;
    const isTest = (modRm & 0x30) === 0;
    if (mode !== 3) this.#readMemory(mode, modRm & 7);
    if (immediate === Immediate.testByte) immediate = isTest ? Immediate.byte : Immediate.none;
    if (immediate === Immediate.testOperand) {
      immediate = isTest ? Immediate.operand : Immediate.none;
    }
    return this.#readImmediate(immediate);
  }

  #readMemory(mode: number, register: number): void {
    const base = register === 4 ? this.#bytes[this.#at++] & 7 : -1;
    if (mode === 1) this.#at += 1;
    else if (mode === 0 && register === 5) this.#take(Field.address);
    else if (mode === 2 || base === 5) {
      this.#take(this.usesThread ? Field.thread : Field.displacement);
    }
  }

  #take(field: number): void {
    this.field = field;
    this.fieldOffset = this.#at;
    this.#at += 4;
  }

  #readImmediate(immediate: number): boolean {
    if (immediate === Immediate.jump) this.#take(Field.jump);
    else if (immediate === Immediate.byte) this.#at += 1;
    else if (immediate === Immediate.word) this.#at += 2;
    else if (immediate === Immediate.operand) this.#at += this.#narrow && !this.#wide ? 2 : 4;
    else if (immediate === Immediate.wide) this.#at += this.#wide ? 8 : this.#narrow ? 2 : 4;
    else if (immediate === Immediate.enter) this.#at += 3;
    else if (immediate === Immediate.absolute) this.#at += this.#shortAddress ? 4 : 8;
    return true;
  }
}
