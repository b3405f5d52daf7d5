import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../../src/proto/ip.ts";
import { isHeldNetwork } from "../../../src/proto/ip_route.ts";

Deno.test("what the client may have added a route to: a host, or half of a private network", () => {
  const isHeld = (text: string) => {
    const [address, bits] = text.split("/");
    return isHeldNetwork(parseIpAddress(address)!, Number(bits));
  };
  const held =
    "192.0.2.9/32 10.8.0.0/25 10.8.0.128/25 10.128.0.0/9 fd7a::8000:0:0:0/65 fe80::1/128";
  for (const text of held.split(" ")) assertEquals(isHeld(text), true, text);
  const others =
    "0.0.0.0/0 0.0.0.0/1 10.0.0.0/8 10.8.0.1/24 10.8.0.1/33 10.8.0.64/25 ::/0 fd7a::1/64";
  for (const text of others.split(" ")) assertEquals(isHeld(text), false, text);
});
