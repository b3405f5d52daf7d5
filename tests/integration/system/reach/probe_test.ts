/** What becomes of a UDP packet on this machine itself: a port where nobody listens, and one that answers. */
import { assert, assertEquals } from "@std/assert";
import { libc } from "../../../../src/ffi/libc.ts";
import { libcNet } from "../../../../src/ffi/libc_net.ts";
import { parseAddress, writeAddress } from "../../../../src/quic/mod.ts";
import { openUdpProbe, type UdpFinding, type UdpProbe } from "../../../../src/system/reach/mod.ts";
import { eventually } from "../../../../tools/lab/wait.ts";

// Opened for good, so not within a test.
libc();
libcNet();

const PACKET = Uint8Array.of(1, 2, 3);

function probeOf(host: string, port: number): UdpProbe {
  const address = parseAddress(host, port);
  assert(address !== undefined);
  return openUdpProbe(writeAddress(address), PACKET);
}

async function findingOf(probe: UdpProbe): Promise<UdpFinding> {
  let finding: UdpFinding | undefined;
  await eventually("something comes back", () => (finding = probe.take()) !== undefined);
  probe.close();
  assert(finding !== undefined);
  return finding;
}

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`a packet to ${hostname} is answered, or refused by the machine itself`, async () => {
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    const { port } = socket.addr as Deno.NetAddr;
    const probe = probeOf(hostname, port);
    const [bytes, from] = await socket.receive();
    assertEquals([...bytes], [...PACKET]);
    assertEquals(probe.take(), undefined);
    await socket.send(Uint8Array.of(4, 5), from);
    assertEquals(await findingOf(probe), { kind: "answered", bytes: Uint8Array.of(4, 5) });
    // What was found stays found.
    assertEquals(probe.take()?.kind, "answered");
    socket.close();
    assertEquals(await findingOf(probeOf(hostname, port)), {
      kind: "nobodyListens",
      from: undefined,
    });
  });
}
