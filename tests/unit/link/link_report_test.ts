/** What the kernel says of an interface in one answer (rtnetlink(7)). */
import { assertEquals } from "@std/assert";
import { readLinkReport } from "../../../src/link/link_report.ts";
import { fromHex } from "../../../tools/lab/frames.ts";

/** nlmsghdr, ifinfomsg with index and flags, and attributes. */
function answer(type: string, flags: string, attributes: string): Uint8Array<ArrayBuffer> {
  const hex =
    `00000000 ${type} 0000 01000000 00000000  00 00 0100 07000000 ${flags} 00000000 ${attributes}`;
  const bytes = fromHex(hex.replaceAll(/\s/g, "")).slice();
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  return bytes;
}

const NAME = "0900 0300 656e783100 000000";
const MTU = "0800 0400 dc050000";
const MASTER = "0800 0a00 05000000";
const PROMISCUITY = "0800 1e00 02000000";
const CARRIER = "0500 2100 01 000000";
const NO_CARRIER = "0500 2100 00 000000";

Deno.test("name, flags, carrier, MTU, promiscuity and master stand in one answer", () => {
  const whole = answer("1000", "43100100", NAME + MTU + MASTER + PROMISCUITY + CARRIER);
  assertEquals(readLinkReport(whole), {
    ...{ index: 7, name: "enx1", isUp: true, hasCarrier: true },
    ...{ mtu: 1500, promiscuity: 2, masterIndex: 5 },
  });
  const off = readLinkReport(answer("1000", "02100000", NAME + MTU + NO_CARRIER));
  assertEquals([off?.isUp, off?.hasCarrier, off?.masterIndex, off?.promiscuity], [
    false,
    false,
    0,
    0,
  ]);
});

Deno.test("an answer that describes no interface is none", () => {
  assertEquals(readLinkReport(answer("0200", "00000000", "")), undefined);
  assertEquals(readLinkReport(answer("1000", "00000000", MTU)), undefined);
});
