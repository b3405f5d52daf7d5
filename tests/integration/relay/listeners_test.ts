/** The compiled relay on several addresses, and handshakes that must fail. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { DenoEndpoint, type RelayAddress } from "../../support/deno_endpoint.ts";
import { BROADCAST_MAC, ethernet, pattern } from "../../../tools/lab/frames.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { makeAuthority } from "../../../tools/lab/certificates.ts";

/** Has endpoints on these addresses meet in one room: everybody gets everybody's frame. */
async function meet(addresses: readonly RelayAddress[]): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const endpoints: DenoEndpoint[] = [];
  for (const [index, address] of addresses.entries()) {
    const endpoint = stack.use(await DenoEndpoint.connect(address));
    await endpoint.join({ room: "A", mac: macOf(index) });
    endpoints.push(endpoint);
  }
  for (const [index, sender] of endpoints.entries()) {
    const frame = ethernet({
      destination: BROADCAST_MAC,
      source: macOf(index),
      type: 0x88b6,
      payload: pattern(200 + index),
    });
    await sender.sendFrame(frame);
    for (const receiver of endpoints) {
      if (receiver === sender) continue;
      const received = await receiver.frame();
      assertEquals(received.frame, frame);
      assertEquals(received.sourcePeerId, sender.peerId);
    }
  }
}

const macOf = (index: number) => `02:00:00:00:00:0${index}`;

Deno.test("peers on different listeners, IPv4 and IPv6, meet in one room", async () => {
  const listen = ["127.0.0.1:0", "[::1]:0", "127.0.0.2:0"];
  await using relay = await RelayProcess.start({ listen });
  assertEquals(relay.addresses.map(({ host }) => host), ["127.0.0.1", "::1", "127.0.0.2"]);
  assertEquals(new Set(relay.addresses.map(({ port }) => port)).size, 3);
  await meet(relay.addresses);
});

Deno.test("a port alone listens on IPv4 and IPv6", async () => {
  const port = freePort();
  await using relay = await RelayProcess.start({ listen: [`${port}/udp`] });
  const address = { ...relay.address, port };
  await meet([{ ...address, host: "127.0.0.1" }, { ...address, host: "::1" }]);
});

function freePort(): number {
  using socket = new DisposablePort();
  return socket.port;
}

/** A port that nobody has while this is looked at. */
class DisposablePort implements Disposable {
  readonly #socket = Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: 0,
  });

  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

//= PROTOCOL.md 3
//# | ALPN | `lanparty/1`, bytes `6c 61 6e 70 61 72 74 79 2f 31`
Deno.test("another application protocol is refused in the handshake", async () => {
  await using relay = await RelayProcess.start();
  for (const alpn of ["h3", "lanparty/2", "lanparty/10", "lanparty", "LANPARTY/1"]) {
    const refused = () => DenoEndpoint.connect(relay.address, { alpn });
    // TLS alert 120 is no_application_protocol (RFC 7301).
    await assertRejects(refused, Error, "error 120", alpn);
  }
  await using endpoint = await DenoEndpoint.connect(relay.address);
  assertEquals(endpoint.connection.protocol, "lanparty/1");
  assert(!relay.log.includes("Peer joined"));
});

Deno.test("the relay's certificate stands a check by another TLS implementation", async () => {
  await using relay = await RelayProcess.start();
  const stranger = await makeAuthority("CN=lanparty stranger");
  const wrongs: [string, Partial<RelayAddress>][] = [
    ["UnknownIssuer", { caPem: stranger.certificatePem }],
    ["not valid for name", { serverName: "other.test" }],
  ];
  for (const [text, wrong] of wrongs) {
    await assertRejects(() => DenoEndpoint.connect({ ...relay.address, ...wrong }), Error, text);
  }
  await using endpoint = await DenoEndpoint.connect(relay.address);
  assertEquals(endpoint.connection.protocol, "lanparty/1");
});
