/**
 * A host's port in a VLAN, for kernels that have none (CONFIG_VLAN_8021Q): arguments `INTERFACE VLAN NAME`.
 *
 * ```
 *  NAME (TAP, the interface's MAC) ── frames ──> tag put in ──> INTERFACE
 *                                  <── tag out <── frames of the VLAN ──
 * ```
 *
 * It writes `ready`, and runs until it is ended.
 */

import type { LinkFrame } from "../../src/link/device.ts";
import { PacketSocket } from "../../src/link/packet_socket.ts";
import { TapDevice } from "../../src/link/tap.ts";
import { ChecksumCompleter } from "../../src/offload/checksum_completer.ts";
import { Segmenter } from "../../src/offload/segmenter.ts";
import { BufferPool } from "../../src/queue/buffer_pool.ts";

const MACS_BYTES = 12;
const TAG_BYTES = 4;
const TPID_8021Q = 0x8100;
const VLAN_ID_MASK = 0x0fff;
const BATCH = 256;
const POLL_MS = 1;

async function main(): Promise<void> {
  const [interfaceName, vlanText, name] = Deno.args;
  const vlan = Number(vlanText);
  const socket = PacketSocket.open({ interface: interfaceName });
  const { mac, mtu } = socket;
  const pool = new BufferPool(2 * BATCH);
  const tap = TapDevice.open({ name, mac, mtu: mtu - TAG_BYTES, pool });
  const tagged = new Uint8Array(2_048);
  tagged.set([TPID_8021Q >> 8, TPID_8021Q & 0xff, vlan >> 8, vlan & 0xff], MACS_BYTES);
  const intoVlan = {
    frame({ bytes, offset, length, slot }: LinkFrame): void {
      tagged.set(bytes.subarray(offset, offset + MACS_BYTES), 0);
      tagged.set(
        bytes.subarray(offset + MACS_BYTES, offset + length),
        MACS_BYTES + TAG_BYTES,
      );
      pool.release(slot);
      socket.send(tagged, 0, length + TAG_BYTES);
    },
  };
  const segmenter = new Segmenter();
  const completer = new ChecksumCompleter();
  const untagged = new Uint8Array(2_048);
  const outOfVlan = {
    frame(frame: LinkFrame): void {
      if (frame.vlanTpid !== TPID_8021Q || (frame.vlanTci & VLAN_ID_MASK) !== vlan) return;
      // The tag is out already.
      frame.vlanTpid = 0;
      if (frame.gsoType === 0) {
        const length = completer.copy(frame, untagged, 0);
        if (length > 0) tap.send(untagged, 0, length);
        return;
      }
      segmenter.begin(frame);
      while (segmenter.remaining > 0) tap.send(untagged, 0, segmenter.next(untagged, 0));
    },
  };
  console.log("ready");
  for (;;) {
    const more = tap.receive(BATCH, intoVlan);
    const others = socket.receive(BATCH, outOfVlan);
    socket.flush();
    tap.flush();
    if (!more && !others) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

await main();
