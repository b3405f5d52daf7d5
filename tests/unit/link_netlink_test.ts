import { assertEquals, assertThrows } from "@std/assert";
import { libc } from "../../src/ffi/libc.ts";
import { libcNet } from "../../src/ffi/libc_net.ts";
import { LinkError } from "../../src/link/device.ts";
import {
  broadcastOf,
  encodeAddressMessage,
  parseInterfaceAddress,
} from "../../src/link/netlink.ts";
import { fromHex, toHex } from "../support/frames.ts";

const linux = Deno.build.os === "linux";
if (linux) {
  // Opened for good, so not within a test.
  libc();
  libcNet();
}

Deno.test({
  name: "an interface address is read in both families",
  ignore: !linux,
  fn() {
    const four = parseInterfaceAddress("192.168.1.50/24");
    assertEquals([four.family, [...four.bytes], four.prefixBits], [4, [192, 168, 1, 50], 24]);
    const six = parseInterfaceAddress("fd00::5/64");
    assertEquals([six.family, toHex(six.bytes), six.prefixBits], [
      6,
      "fd000000000000000000000000000005",
      64,
    ]);
  },
});

Deno.test({
  name: "what is no address with a prefix is refused",
  ignore: !linux,
  fn() {
    // deno-fmt-ignore
    const bad = ["", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/0", "10.0.0/24", "10.0.0.256/24",
    "10.0.0.1/24 ", "fd00::5/129", "fd00:::5/64", "host/24", "10.0.0.1/2 4"];
    for (const text of bad) {
      const error = assertThrows(() => parseInterfaceAddress(text), LinkError);
      assertEquals(error.code, "bad-address", text);
    }
  },
});

Deno.test({
  name: "the broadcast address follows from the prefix",
  ignore: !linux,
  fn() {
    const broadcast = (cidr: string) => broadcastOf(parseInterfaceAddress(cidr))?.join(".");
    assertEquals(broadcast("10.8.0.5/23"), "10.8.1.255");
    assertEquals(broadcast("192.168.1.50/24"), "192.168.1.255");
    assertEquals(broadcast("10.1.2.3/9"), "10.127.255.255");
    assertEquals(broadcast("10.0.0.1/30"), "10.0.0.3");
    assertEquals(broadcast("10.0.0.1/31"), undefined);
    assertEquals(broadcast("10.0.0.1/32"), undefined);
    assertEquals(broadcast("fd00::5/64"), undefined);
  },
});

Deno.test({
  name: "an address message is laid out as rtnetlink(7) says",
  ignore: !linux,
  fn() {
    const message = encodeAddressMessage(20, 0x500, 7, parseInterfaceAddress("10.8.0.5/24"));
    const expected = fromHex(`
    30000000 1400 0505 01000000 00000000   length 48, RTM_NEWADDR, REQUEST|ACK|flags, sequence 1
    02 18 00 00 07000000
    0800 0200 0a080005
    0800 0100 0a080005
    0800 0400 0a0800ff`.replace(/length.*$/m, ""));
    assertEquals(toHex(message), toHex(expected));
  },
});
