/** What is said of an address that is silent, with a machine that answers by TCP behind it. */
import { assert, assertEquals } from "@std/assert";
import { libc } from "../../../../src/ffi/libc.ts";
import { libcNet } from "../../../../src/ffi/libc_net.ts";
import { examineAddress } from "../../../../src/programs/endpoint/reach.ts";
import { parseAddress } from "../../../../src/quic/mod.ts";

// Opened for good, so not within a test.
libc();
libcNet();

Deno.test("a silent address is tried by TCP, but not where it is a relay's word alone", async () => {
  const hostname = "127.0.0.1";
  const tcp = Deno.listen({ hostname, port: 0 });
  const { port } = tcp.addr as Deno.NetAddr;
  const udp = Deno.listenDatagram({ transport: "udp", hostname, port });
  const address = parseAddress(hostname, port);
  assert(address !== undefined);
  const accepted: string[] = [];
  const accepting = (async () => {
    for await (const connection of tcp) {
      accepted.push((connection.remoteAddr as Deno.NetAddr).hostname);
      connection.close();
    }
  })();
  const place = { host: "relay.example.org", port, address: hostname };
  const examine = (triesTcp: boolean) => examineAddress(place.host, address, { triesTcp });
  for (const triesTcp of [false, true]) {
    const { answers, reason } = await examine(triesTcp);
    assertEquals([answers, reason], [false, {
      transport: "timeout",
      place: { ...place, answersTcp: triesTcp },
    }]);
    assertEquals(accepted.length, triesTcp ? 1 : 0);
  }
  udp.close();
  tcp.close();
  await accepting;
});
