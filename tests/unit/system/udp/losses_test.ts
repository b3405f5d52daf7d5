/** The kernel's table of UDP sockets (proc_net(5)), as it stands in /proc/net/udp and udp6. */
import { assertEquals } from "@std/assert";
import { parseLosses } from "../../../../src/system/udp/mod.ts";

const IPV4 =
  "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" +
  "  523: 00000000:01BB 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 41 2 0000000000000000 1207\n" +
  "  524: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 42 2 0000000000000000 9\n";
const IPV6 =
  "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n" +
  "  523: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 43 2 0000000000000000 3\n";

Deno.test("each socket of ours is found with its drops, and no other", () => {
  const own = new Set(["41", "43"]);
  assertEquals(parseLosses(IPV4, own), [["41", 1207]]);
  assertEquals(parseLosses(IPV6, own), [["43", 3]]);
  assertEquals(parseLosses("", own), []);
  assertEquals(parseLosses("head\nbroken 41\n", own), []);
});
