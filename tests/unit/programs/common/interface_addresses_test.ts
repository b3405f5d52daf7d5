import { assertEquals } from "@std/assert";
import { hasAddress } from "../../../../src/programs/common/interface_addresses.ts";

Deno.test("this machine has the loopback and the unspecified addresses, and no documentation address", () => {
  for (const address of ["127.0.0.1", "127.1.2.3", "0.0.0.0", "::"]) {
    assertEquals(hasAddress(address), true, address);
  }
  for (const address of ["192.0.2.1", "2001:db8::1", "nonsense", ""]) {
    assertEquals(hasAddress(address), false, address);
  }
});

Deno.test("this machine has each address that its interfaces have", () => {
  for (const { address } of Deno.networkInterfaces()) assertEquals(hasAddress(address), true);
});
