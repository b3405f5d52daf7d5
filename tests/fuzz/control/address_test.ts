import { parseIpv4, parseIpv6 } from "../../../src/proto/ip.ts";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  formatEndpointAddress,
  parseEndpointAddress,
  parseListen,
} from "../../../src/control/address.ts";
import { parseRoomCode } from "../../../src/control/room.ts";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 10_000 };

/** Texts that are nearly addresses, and any others. */
const token = fc.constantFrom(
  ...["a", "relay", "1", "0", "255", "256", "443", "65536", ".", ":", "::", "[", "]", "-", "/udp"],
  ...["fe80", "ffff", "%", " ", "@", "*", "ü", "xn--", "\u0000", "\n", "0x7f"],
);
const text = fc.oneof(
  fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join("")),
  fc.ipV4(),
  fc.ipV6(),
  fc.domain(),
  fc.string({ unit: "binary" }),
);

Deno.test("what is taken for a relay's address can be connected to and is read again the same", () => {
  let accepted = 0;
  fc.assert(
    fc.property(text, fc.constantFrom("", ":1", ":443", ":65535"), (host, port) => {
      const address = parseEndpointAddress(host + port);
      if (address === undefined) return;
      accepted++;
      assert(address.port >= 1 && address.port <= 0xffff);
      assert(/^[a-z0-9.:-]{1,253}$/.test(address.host), address.host);
      assertEquals([parseIpv4(address.host) !== undefined, parseIpv6(address.host) !== undefined], [
        address.ipVersion === 4,
        address.ipVersion === 6,
      ]);
      assertEquals(parseEndpointAddress(formatEndpointAddress(address)), address);
    }),
    RUNS,
  );
  assert(accepted > 500, `only ${accepted}`);
});

Deno.test("what is taken for a place to listen on is a numeric address or none", () => {
  fc.assert(
    fc.property(text, fc.constantFrom("", ":0", ":443", "/udp"), (host, rest) => {
      const listen = parseListen(host + rest);
      if (listen === undefined) return;
      assert(listen.port >= 0 && listen.port <= 0xffff);
      const { family, address } = listen;
      if (family === "any") assertEquals(address, undefined);
      else assert((family === "ipv4" ? parseIpv4 : parseIpv6)(address!) !== undefined, address);
    }),
    RUNS,
  );
});

Deno.test("room codes are read once and for all", () => {
  fc.assert(
    fc.property(fc.oneof(text, fc.stringMatching(/^[a-zA-Z0-9-]{1,34}$/)), (any) => {
      const code = parseRoomCode(any);
      assertEquals(
        code !== undefined,
        any.length <= 32 && /^[a-zA-Z0-9-]+$/.test(any) && !/\n/.test(any),
      );
      if (code !== undefined) assertEquals(parseRoomCode(code), code);
    }),
    RUNS,
  );
});
