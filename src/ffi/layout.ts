/**
 * Struct layouts as data.
 *
 * A layout says what a C compiler would: the struct's name, the header and the manual page that
 * define it, its size, and for each member that is used its offset and type. Tests compile a C
 * program from the very same tables and compare (`tests/support/layout_probe.ts`), so nothing
 * here has to be believed.
 *
 * All layouts are those of little-endian 64-bit ABIs (x86-64 System V, Windows x64, AArch64).
 *
 * @module
 */

/** Bytes of each scalar type; `bytes` is an array member whose size the field itself states. */
export const SCALAR_BYTES = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
  i64: 8,
  pointer: 8,
} as const;

/** Scalar member types; `pointer` stands for any C pointer, handle or `size_t`-like address. */
export type ScalarType = keyof typeof SCALAR_BYTES;

/** A member that is read or written as one number. */
export interface ScalarField {
  readonly offset: number;
  readonly type: ScalarType;
  /** C member designator where it differs from the key, e.g. `DATAGRAM_RECEIVED.Buffer`. */
  readonly member?: string;
}

/** A member that is an array or a nested struct, taken as raw bytes. */
export interface BytesField {
  readonly offset: number;
  readonly type: "bytes";
  readonly sizeBytes: number;
  readonly member?: string;
}

/** A C bit field: `bits` bits from bit `bit` (0 is the lowest) of the byte at `offset`. */
export interface BitField {
  readonly offset: number;
  readonly type: "bits";
  readonly bit: number;
  readonly bits: number;
  readonly member?: string;
}

/** One member of a struct. */
export type FieldLayout = ScalarField | BytesField | BitField;

/** The layout of one C struct. */
export interface StructLayout {
  /** The C type as a C program would write it, e.g. `struct epoll_event` or `QUIC_BUFFER`. */
  readonly name: string;
  /** The header that declares it, e.g. `sys/epoll.h`. */
  readonly header: string;
  /** Where it is documented: a manual page or a web page. */
  readonly page: string;
  readonly sizeBytes: number;
  readonly fields: Readonly<Record<string, FieldLayout>>;
}

/**
 * A reusable piece of memory with the shape of a struct, for calls that are not on a frame path
 * (those index typed arrays with constants taken from the layout's offsets).
 *
 * ```ts
 * const event = new Struct(EPOLL_EVENT);
 * event.setNumber("events", EPOLLIN);
 * libc().epoll_ctl(epollFd, EPOLL_CTL_ADD, fd, event.bytes);
 * ```
 */
export class Struct<L extends StructLayout> {
  readonly layout: L;
  /** The memory itself: zeroed, `layout.sizeBytes` long, to be passed as a `buffer`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  /** Buffers that this struct points at, kept from the garbage collector as long as it lives. */
  readonly #referenced: Map<string, BufferSource | Struct<StructLayout>> = new Map();

  constructor(layout: L) {
    this.layout = layout;
    this.bytes = new Uint8Array(layout.sizeBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Writes a scalar of up to 32 bits, a bit field, or a 64-bit member from a safe integer. */
  setNumber(name: keyof L["fields"] & string, value: number): this {
    const field = this.#field(name);
    switch (field.type) {
      case "u8":
        this.#view.setUint8(field.offset, value);
        return this;
      case "i8":
        this.#view.setInt8(field.offset, value);
        return this;
      case "u16":
        this.#view.setUint16(field.offset, value, true);
        return this;
      case "i16":
        this.#view.setInt16(field.offset, value, true);
        return this;
      case "u32":
        this.#view.setUint32(field.offset, value, true);
        return this;
      case "i32":
        this.#view.setInt32(field.offset, value, true);
        return this;
      case "u64":
      case "i64":
      case "pointer":
        this.#view.setBigInt64(field.offset, BigInt(value), true);
        return this;
      case "bits": {
        const mask = ((1 << field.bits) - 1) << field.bit;
        const before = this.#view.getUint8(field.offset);
        this.#view.setUint8(field.offset, (before & ~mask) | ((value << field.bit) & mask));
        return this;
      }
      case "bytes":
        throw new TypeError(`${this.layout.name}.${name} is not a number`);
    }
  }

  /** Reads a scalar or bit field as a number; a 64-bit member must fit a safe integer. */
  getNumber(name: keyof L["fields"] & string): number {
    const field = this.#field(name);
    switch (field.type) {
      case "u8":
        return this.#view.getUint8(field.offset);
      case "i8":
        return this.#view.getInt8(field.offset);
      case "u16":
        return this.#view.getUint16(field.offset, true);
      case "i16":
        return this.#view.getInt16(field.offset, true);
      case "u32":
        return this.#view.getUint32(field.offset, true);
      case "i32":
        return this.#view.getInt32(field.offset, true);
      case "i64":
        return Number(this.#view.getBigInt64(field.offset, true));
      case "u64":
      case "pointer":
        return Number(this.#view.getBigUint64(field.offset, true));
      case "bits":
        return (this.#view.getUint8(field.offset) >> field.bit) & ((1 << field.bits) - 1);
      case "bytes":
        throw new TypeError(`${this.layout.name}.${name} is not a number`);
    }
  }

  /** Writes an address; `null` is the null pointer. */
  setPointer(name: keyof L["fields"] & string, pointer: Deno.PointerValue): this {
    const field = this.#field(name);
    if (field.type !== "pointer") {
      throw new TypeError(`${this.layout.name}.${name} is not a pointer`);
    }
    this.#view.setBigUint64(field.offset, Deno.UnsafePointer.value(pointer), true);
    return this;
  }

  /** Points a member at memory, which is kept alive as long as this struct is. */
  setBuffer(name: keyof L["fields"] & string, memory: BufferSource | Struct<StructLayout>): this {
    this.#referenced.set(name, memory);
    const buffer = memory instanceof Struct ? memory.bytes : memory;
    return this.setPointer(name, Deno.UnsafePointer.of(buffer));
  }

  /** Reads an address. */
  getPointer(name: keyof L["fields"] & string): Deno.PointerValue {
    const field = this.#field(name);
    if (field.type !== "pointer") {
      throw new TypeError(`${this.layout.name}.${name} is not a pointer`);
    }
    return Deno.UnsafePointer.create(this.#view.getBigUint64(field.offset, true));
  }

  /** The bytes of an array member or nested struct, as a view into this struct's memory. */
  memberBytes(name: keyof L["fields"] & string): Uint8Array<ArrayBuffer> {
    const field = this.#field(name);
    if (field.type === "bits") throw new TypeError(`${this.layout.name}.${name} is a bit field`);
    const sizeBytes = field.type === "bytes" ? field.sizeBytes : SCALAR_BYTES[field.type];
    return this.bytes.subarray(field.offset, field.offset + sizeBytes);
  }

  #field(name: string): FieldLayout {
    const field = this.layout.fields[name];
    if (field === undefined) throw new TypeError(`${this.layout.name} has no member ${name}`);
    return field;
  }
}

/** The address of a buffer's first byte; the buffer must be kept alive as long as C may use it. */
export function addressOf(bytes: BufferSource): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}

/** A C string: UTF-8 and a terminating zero. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError("a C string cannot contain a zero character");
  return new TextEncoder().encode(`${text}\0`);
}
