/**
 * Lasting `DataView`s over byte arrays that come again and again: a packet ring, a slab of buffers.
 *
 * @module
 */

const EMPTY = new Uint8Array(0);
const EMPTY_VIEW = new DataView(EMPTY.buffer);

/** The views of the two byte arrays that were named last; only a third makes a new one. */
export class ViewCache {
  #recent: Uint8Array = EMPTY;
  #recentView: DataView = EMPTY_VIEW;
  #other: Uint8Array = EMPTY;
  #otherView: DataView = EMPTY_VIEW;

  /** The view of `bytes`: the same index means the same byte. */
  of(bytes: Uint8Array): DataView {
    if (bytes === this.#recent) return this.#recentView;
    const view = bytes === this.#other
      ? this.#otherView
      : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#other = this.#recent;
    this.#otherView = this.#recentView;
    this.#recent = bytes;
    this.#recentView = view;
    return view;
  }
}
