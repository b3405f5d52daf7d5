/**
 * What to do with a super-frame of a kind that the kernel does not take.
 *
 * @module
 */
import type { JoinedFrame } from "../offload/joined_frame.ts";
import type { Joiner } from "../offload/joiner.ts";
import type { Segmenter } from "../offload/segmenter.ts";

/**
 * Sends what is in it frame by frame, and has its kind joined no more.
 *
 * @param buffer where each frame is put, from `at` on
 * @param send is given each one's length
 */
export function sendSingly(
  frame: JoinedFrame,
  { joiner, segmenter }: { readonly joiner: Joiner; readonly segmenter: Segmenter },
  buffer: Uint8Array,
  at: number,
  send: (length: number) => void,
): void {
  if (frame.isTcp) joiner.joinsTcp = false;
  else joiner.joinsUdp = false;
  segmenter.begin(frame);
  while (segmenter.remaining > 0) send(segmenter.next(buffer, at));
}
