/** What a DHCP server may send: whatever it is, reading it ends, and what is read lies inside of what came. */
import { assert } from "@std/assert";
import fc from "fast-check";
import { readDhcpReply } from "../../../src/client/dhcp_reply.ts";

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x51);

/** A message whose fixed part is right, so that its options are reached. */
function reply(options: Uint8Array, sname: Uint8Array, file: Uint8Array): Uint8Array {
  const message = new Uint8Array(240 + options.length);
  message.set([2, 1, 6, 0]);
  message.set(MAC, 28);
  message.set(sname.subarray(0, 64), 44);
  message.set(file.subarray(0, 128), 108);
  message.set([0x63, 0x82, 0x53, 0x63], 236);
  message.set(options, 240);
  return message;
}

/** Options as they are, with values that are not, and bytes that are none. */
const field = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.array(
    fc.tuple(
      fc.constantFrom(0, 1, 3, 6, 15, 28, 51, 52, 53, 54, 58, 59, 119, 121, 255),
      fc.uint8Array({ maxLength: 40 }),
    ),
    { maxLength: 20 },
  ).map((options) =>
    Uint8Array.from(options.flatMap(([code, value]) => [code, value.length, ...value]))
  ),
);

Deno.test("fuzz: any DHCP reply is read to its end, or refused", () => {
  let read = 0;
  fc.assert(
    fc.property(field, field, field, (options, sname, file) => {
      const message = reply(Uint8Array.of(53, 1, 5, ...options), sname, file);
      const found = readDhcpReply(message, 0, message.length, MAC);
      if (found === undefined) return;
      read++;
      const bytes = message.length;
      assert(found.routers.length <= bytes / 4 && found.nameServers.length <= bytes / 4);
      assert(found.routes.length <= bytes / 5 && found.domains.length <= bytes);
      for (const domain of found.domains) assert(/^[A-Za-z0-9_.-]{1,253}$/.test(domain), domain);
      for (const { prefixBits } of found.routes) assert(prefixBits >= 0 && prefixBits <= 32);
    }),
    { numRuns: 20_000 },
  );
  assert(read > 1_000);
});

Deno.test("fuzz: bytes of no kind are no DHCP reply that throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(600), (bytes, end) => {
      readDhcpReply(bytes, 0, Math.min(end, bytes.length), MAC);
    }),
    { numRuns: 20_000 },
  );
});
