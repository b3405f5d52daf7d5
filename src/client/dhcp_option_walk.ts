/**
 * The options of DHCP messages, one after the other: whoever looks for some, or takes some out, goes by this.
 *
 * ```
 *  44 sname (64)   108 file (128)   236 magic cookie   240 options: code, length, value … 255 end
 *      └ 3rd ◄── option 52: 2 ──┘ └ 2nd ◄── option 52: 1 ──────────┘ 1st (RFC 2131, section 4.1)
 * ```
 *
 * A field that ends with its last option and has no end option is accepted, since there is one way only to
 * read it. Zeros between options are passed over.
 *
 * @module
 */

import { DhcpField, DhcpOption, DhcpOverload } from "../proto/dhcp.ts";

/** Code and length, in front of an option's value. */
export const DHCP_OPTION_HEADER_BYTES = 2;

/** See the module. Allocates nothing: one is kept and begun anew. */
export class DhcpOptionWalk {
  /** Of the option at hand: its code, the index of its value's first byte, and the value's length. */
  code = 0;
  valueAt = 0;
  valueBytes = 0;
  /** False: the walk has ended at something that is no whole option. */
  isWhole = true;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #message = 0;
  /** Fields that hold options, too, and have not been begun, as bits of {@linkcode DhcpOverload}. */
  #fieldsLeft = 0;
  #isFirstField = false;

  /** Begins with the message at `bytes[message … end)`, whose header must be whole. */
  beginMessage(bytes: Uint8Array, message: number, end: number): void {
    this.beginField(bytes, message + DhcpField.options, end);
    this.#message = message;
    this.#isFirstField = true;
  }

  /** Begins with one field, `bytes[start … end)`, and ends with it. */
  beginField(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#fieldsLeft = 0;
    this.#isFirstField = false;
    this.isWhole = true;
  }

  /** Where the next option begins; behind the last one: the end option, or where the field ends. */
  get at(): number {
    return this.#at;
  }

  /** Goes on to the next option; false: there is none. */
  next(): boolean {
    const bytes = this.#bytes;
    while (this.#isFieldOver()) if (!this.#beginNextField()) return false;
    const value = this.#at + DHCP_OPTION_HEADER_BYTES;
    this.isWhole = value <= this.#end && value + bytes[this.#at + 1] <= this.#end;
    if (!this.isWhole) return false;
    this.code = bytes[this.#at];
    this.valueAt = value;
    this.valueBytes = bytes[this.#at + 1];
    this.#at = value + this.valueBytes;
    const isOverload = this.#isFirstField && this.code === DhcpOption.overload;
    if (isOverload && this.valueBytes === 1) this.#fieldsLeft = bytes[value];
    return true;
  }

  #isFieldOver(): boolean {
    const bytes = this.#bytes;
    while (this.#at < this.#end && bytes[this.#at] === DhcpOption.pad) this.#at++;
    return this.#at >= this.#end || bytes[this.#at] === DhcpOption.end;
  }

  #beginNextField(): boolean {
    const [message, left] = [this.#message, this.#fieldsLeft];
    this.#isFirstField = false;
    if ((left & DhcpOverload.file) !== 0) {
      this.#at = message + DhcpField.file;
      this.#end = message + DhcpField.cookie;
      this.#fieldsLeft = left & ~DhcpOverload.file;
    } else if ((left & DhcpOverload.serverName) !== 0) {
      this.#at = message + DhcpField.serverName;
      this.#end = message + DhcpField.file;
      this.#fieldsLeft = 0;
    } else return false;
    return true;
  }
}

const walk = new DhcpOptionWalk();

/**
 * Index of the value of the first such option in the options field of the message at `bytes[message … end)`, or -1.
 *
 * @param length of its value; -1: any
 */
export function findOption(
  bytes: Uint8Array,
  message: number,
  end: number,
  code: number,
  length: number,
): number {
  walk.beginField(bytes, message + DhcpField.options, end);
  while (walk.next()) {
    if (walk.code === code && (length < 0 || walk.valueBytes === length)) return walk.valueAt;
  }
  return -1;
}
