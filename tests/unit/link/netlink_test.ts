import { assertEquals } from "@std/assert";
import { libc } from "../../../src/ffi/libc.ts";
import { libcNet } from "../../../src/ffi/libc_net.ts";
import { encodeAddressMessage } from "../../../src/link/netlink.ts";
import { parseCidr } from "../../../src/proto/ip.ts";
import { fromHex, toHex } from "../../../tools/lab/frames.ts";

const linux = Deno.build.os === "linux";
if (linux) {
  // Opened for good, so not within a test.
  libc();
  libcNet();
}

Deno.test({
  name: "an address message is laid out as rtnetlink(7) says",
  ignore: !linux,
  fn() {
    const message = encodeAddressMessage(20, 0x500, 7, parseCidr("10.8.0.5/24")!);
    const expected = fromHex(`
    30000000 1400 0505 01000000 00000000   length 48, RTM_NEWADDR, REQUEST|ACK|flags, sequence 1
    02 18 00 00 07000000
    0800 0200 0a080005
    0800 0100 0a080005
    0800 0400 0a0800ff`.replace(/length.*$/m, ""));
    assertEquals(toHex(message), toHex(expected));
  },
});
