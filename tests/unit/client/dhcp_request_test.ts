import { assertEquals } from "@std/assert";
import { DHCP_OPTIONS, passing } from "../../../src/client/dhcp_options.ts";
import { narrowRequest, requestType, requestXid } from "../../../src/client/dhcp_request.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { dhcpFrame, type DhcpOption, DhcpType } from "../../../tools/lab/frames.ts";

const PASSING = passing(DHCP_OPTIONS, false);
const ALLOWED = passing(DHCP_OPTIONS, true);
const CHECKSUM_AT = 14 + 20 + 6;
/** As Windows asks: mask, router, names, domain, lease time, NetBIOS, routes, proxy. */
const WINDOWS = [1, 3, 6, 15, 51, 44, 46, 121, 249, 252];

function request(asked: readonly number[], ...before: DhcpOption[]): Uint8Array {
  const ends = { source: "02:00:00:00:00:51", clientMac: "02:00:00:00:00:51" };
  return dhcpFrame({ ...ends, type: DhcpType.discover, options: [...before, [55, asked]] });
}

function narrow(frame: Uint8Array, allowed = PASSING): Uint8Array {
  const bytes = frame.slice();
  const dissection = new Dissection();
  dissect(bytes, 0, bytes.length, dissection);
  assertEquals(requestType(bytes, bytes.length, dissection), DhcpType.discover);
  assertEquals(requestXid(bytes, dissection), 0x12345678);
  narrowRequest(bytes, bytes.length, dissection, allowed);
  return bytes;
}

//= PROTOCOL.md 12
//# in what it asks DHCP servers for (option 55), a code that would not pass is replaced by 1.
Deno.test("of what is asked for only that stays which would pass, with a right checksum", () => {
  for (const before of [[], [[61, [1]]], [[61, [1, 2]]]] as DhcpOption[][]) {
    assertEquals(
      narrow(request(WINDOWS, ...before)),
      request([1, 1, 1, 1, 51, 1, 1, 1, 1, 1], ...before),
    );
    assertEquals(
      narrow(request(WINDOWS, ...before), ALLOWED),
      request([1, 3, 6, 15, 51, 1, 1, 121, 249, 1], ...before),
    );
  }
});

Deno.test("a request for nothing else is not changed, and one that is cut neither", () => {
  for (const asked of [[], [1, 28, 51]]) assertEquals(narrow(request(asked)), request(asked));
  const frame = request(WINDOWS);
  const at = frame.indexOf(55, 14 + 28 + 240);
  const cut = frame.with(at + 1, 200);
  assertEquals(narrow(cut), cut);
});

Deno.test("a checksum of zero stays zero", () => {
  const zero = (frame: Uint8Array) => frame.with(CHECKSUM_AT, 0).with(CHECKSUM_AT + 1, 0);
  assertEquals(narrow(zero(request([3, 6]))), zero(request([1, 1])));
});

Deno.test("what is a fragment is left alone", () => {
  const fragment = request(WINDOWS).with(14 + 6, 0x20);
  assertEquals(narrow(fragment), fragment);
});
