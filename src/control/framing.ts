/**
 * The control stream's framing: a big-endian u32 length (1 … 65,536), then that many bytes of UTF-8
 * JSON.
 *
 * @module
 */

/** Longest message, in bytes without its length field. */
export const MESSAGE_BYTES_MAX = 65_536;

/** How long one message may take to arrive, from its first byte to its last. */
export const MESSAGE_ARRIVAL_MAX_MS = 10_000;

const LENGTH_BYTES = 4;
/** A buffer that grew beyond this is given up as soon as it is empty. */
const KEPT_BYTES = 8_192;
const EMPTY = new Uint8Array(0);

const encoder = new TextEncoder();
// A byte order mark is no JSON and shall not vanish.
//= PROTOCOL.md 4
//# The text must be UTF-8 without a byte order mark and without surrogates, and exactly one JSON
//# value (RFC 8259).
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The bytes of a message with its length in front.
 *
 * @throws {RangeError} the message is longer than the protocol allows
 */
export function encodeMessage(message: object): Uint8Array<ArrayBuffer> {
  const json = encoder.encode(JSON.stringify(message));
  if (json.length > MESSAGE_BYTES_MAX) {
    throw new RangeError(`a message of ${json.length} bytes does not fit its frame`);
  }
  const bytes = new Uint8Array(LENGTH_BYTES + json.length);
  new DataView(bytes.buffer).setUint32(0, json.length);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

/** What {@link MessageReader.next} finds: a value, or what is wrong with the bytes. */
export type ReadMessage =
  | { readonly json: unknown; readonly error?: undefined }
  | { readonly error: "bad-length" | "bad-json"; readonly json?: undefined };

/**
 * Takes a stream's bytes in any portions and gives its messages out.
 *
 * Whoever calls `next` until it returns undefined after each `push` never has more than one incomplete
 * message in memory. After a bad length nothing more can be read: what follows is ignored.
 */
export class MessageReader {
  #buffer: Uint8Array = EMPTY;
  #start = 0;
  #end = 0;
  #broken = false;
  #startedMs = Infinity;
  #pushedMs = Infinity;

  /** Bytes that are waiting to become a message. */
  get bufferedBytes(): number {
    return this.#end - this.#start;
  }

  /** When the first byte of the message that is not complete came, ms. */
  get startedMs(): number | undefined {
    return this.#startedMs === Infinity ? undefined : this.#startedMs;
  }

  /** When the message that has begun to arrive must be complete, ms; `Infinity` for none. */
  get deadlineMs(): number {
    //= PROTOCOL.md 4
    //# From a message's first byte to its last not more than 10 s may pass.
    return this.#startedMs + MESSAGE_ARRIVAL_MAX_MS;
  }

  /** Whether a message takes longer than 10 s to arrive. */
  stalled(nowMs: number): boolean {
    return nowMs >= this.deadlineMs;
  }

  /** Adds bytes of the stream; they are copied. */
  push(bytes: Uint8Array, nowMs: number): void {
    if (this.#broken || bytes.length === 0) return;
    if (this.bufferedBytes === 0) this.#startedMs = nowMs;
    this.#pushedMs = nowMs;
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** The next complete message, or undefined if it is not there yet. */
  next(): ReadMessage | undefined {
    if (this.bufferedBytes < LENGTH_BYTES) return undefined;
    const { buffer, byteOffset } = this.#buffer;
    const length = new DataView(buffer, byteOffset + this.#start, LENGTH_BYTES).getUint32(0);
    //= PROTOCOL.md 4
    //# A length of 0 or of more than 65,536 is a **bad length**.
    if (length === 0 || length > MESSAGE_BYTES_MAX) {
      this.#broken = true;
      this.#consume(this.bufferedBytes);
      return { error: "bad-length" };
    }
    if (this.bufferedBytes < LENGTH_BYTES + length) return undefined;
    const from = this.#start + LENGTH_BYTES;
    const message = parseJson(this.#buffer.subarray(from, from + length));
    this.#consume(LENGTH_BYTES + length);
    return message;
  }

  /** Makes room for `count` bytes behind what is there. */
  #reserve(count: number): void {
    if (this.#end + count <= this.#buffer.length) return;
    const held = this.bufferedBytes;
    const target = held + count <= this.#buffer.length
      ? this.#buffer
      : new Uint8Array(roomFor(held + count));
    target.set(this.#buffer.subarray(this.#start, this.#end));
    this.#buffer = target;
    this.#start = 0;
    this.#end = held;
  }

  #consume(count: number): void {
    this.#start += count;
    // Some byte of the message that ended came with the last push, so what is behind it did, too.
    this.#startedMs = this.#start < this.#end ? this.#pushedMs : Infinity;
    if (this.#start < this.#end) return;
    this.#start = this.#end = 0;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = EMPTY;
  }
}

/** Twice as much each time, but no more than the longest message needs, as long as that is enough. */
function roomFor(bytes: number): number {
  const doubled = Math.max(512, 2 ** Math.ceil(Math.log2(bytes)));
  return Math.max(bytes, Math.min(doubled, LENGTH_BYTES + MESSAGE_BYTES_MAX));
}

function parseJson(bytes: Uint8Array): ReadMessage {
  try {
    //= PROTOCOL.md 4
    //# Of two fields of one name in an object the last counts.
    return { json: JSON.parse(decoder.decode(bytes)) };
  } catch {
    //= PROTOCOL.md 4
    //# Otherwise it is **bad JSON**.
    return { error: "bad-json" };
  }
}
