import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { addressOf, Struct } from "../../../src/ffi/layout.ts";
import { closeFd, libc, O_CLOEXEC, O_NONBLOCK, O_RDWR } from "../../../src/ffi/libc.ts";
import { libcNet } from "../../../src/ffi/libc_net.ts";
import { IOVEC, VIRTIO_NET_HDR } from "../../../src/ffi/linux_layouts.ts";
import { LinkCounters, LinkFrame } from "../../../src/link/device.ts";
import { TapRead, TapReader } from "../../../src/link/tap_reader.ts";
import { type LanFrame, OffloadError } from "../../../src/offload/lan_frame.ts";
import { Segmenter } from "../../../src/offload/segmenter.ts";
import { BufferPool, HEADROOM_BYTES } from "../../../src/queue/buffer_pool.ts";
import { fuzz } from "../../fuzz/proto/fuzz.ts";
import { unfinishedFrames } from "../../fuzz/offload/unfinished.ts";

const SLOTS = 8;
const isLinux = Deno.build.os === "linux";
// Before the test: libraries stay loaded.
if (isLinux) { for (const load of [libc, libcNet]) load(); }

/** What a TAP device would hand out: `struct virtio_net_hdr`, and the frame. */
function messageOf(frame: LanFrame): Uint8Array<ArrayBuffer> {
  const header = new Struct(VIRTIO_NET_HDR)
    .setNumber("flags", frame.virtioFlags)
    .setNumber("gso_type", frame.gsoType)
    .setNumber("gso_size", frame.segmentBytes)
    .setNumber("csum_start", frame.checksumStart)
    .setNumber("csum_offset", frame.checksumOffset);
  const bytes = new Uint8Array(VIRTIO_NET_HDR.sizeBytes + frame.length);
  bytes.set(header.bytes);
  bytes.set(frame.bytes.subarray(0, frame.length), VIRTIO_NET_HDR.sizeBytes);
  return bytes;
}

/** A pipe: whoever reads after each write gets what was written, as from a device. */
async function openPipe(): Promise<number> {
  const path = await Deno.makeTempFile({ prefix: "lanparty-pipe-" });
  await Deno.remove(path);
  assert((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
  const flags = O_RDWR | O_NONBLOCK | O_CLOEXEC;
  const fd = libc().open(new TextEncoder().encode(`${path}\0`), flags);
  await Deno.remove(path);
  assert(fd >= 0);
  return fd;
}

Deno.test({
  name: "nothing that a device says of a frame makes its reader throw, run on, or lose a slot",
  ignore: !isLinux,
  async fn() {
    const fd = await openPipe();
    const pool = new BufferPool(SLOTS);
    const counters = new LinkCounters();
    const reader = new TapReader(fd, pool, counters);
    const segmenter = new Segmenter();
    const frame = new LinkFrame();
    const iovec = new Struct(IOVEC);
    fuzz(fc.property(unfinishedFrames, (unfinished) => {
      const message = messageOf(unfinished);
      iovec.setPointer("iov_base", Deno.UnsafePointer.create(addressOf(message)))
        .setNumber("iov_len", message.length);
      assertEquals(libcNet().writev(fd, iovec.bytes, 1), message.length);
      // Tags are in the frame there.
      const cut = segmenter.begin({ ...unfinished, vlanTpid: 0 });
      const badBefore = counters.receivedBadOffload;
      let frames = 0;
      for (let result = reader.next(frame); result !== TapRead.empty; result = reader.next(frame)) {
        if (result === TapRead.lost) continue;
        frames++;
        assertEquals([frame.gsoType, frame.virtioFlags], [0, 0]);
        assert(frame.offset >= pool.offsetOf(frame.slot) + HEADROOM_BYTES);
        pool.release(frame.slot);
      }
      const bad = counters.receivedBadOffload - badBefore;
      if (unfinished.gsoType === 0) assertEquals(frames + bad, 1);
      else if (cut === OffloadError.overLong) assertEquals([frames, bad], [1, 0]);
      else assertEquals([frames, bad], cut > 0 ? [cut, 0] : [0, 1]);
      assertEquals([pool.freeSlots, reader.remaining], [SLOTS - 1, 0]);
    }));
    assert(counters.receivedBadOffload > 0);
    reader.close();
    closeFd(fd);
    assertEquals(pool.freeSlots, SLOTS);
  },
});
