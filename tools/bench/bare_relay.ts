/**
 * The peer of the forwarding benchmark: a relay over Deno's own QUIC that forwards each datagram to the
 * other connection, and nothing else.
 *
 * usage: deno run --unstable-net bare_relay.ts CERTIFICATE_PEM KEY_PEM ALPN
 */

/** Datagrams given to a connection that it has not taken yet. */
const PENDING_MAX = 64;

async function forward(from: Deno.QuicConn, to: Deno.QuicConn): Promise<void> {
  let pending = 0;
  const done = () => void pending--;
  for (;;) {
    const datagram = await from.readDatagram();
    if (pending >= PENDING_MAX) continue;
    pending++;
    to.sendDatagram(datagram).then(done, done);
  }
}

const [certificateFile, keyFile, alpn] = Deno.args;
// Sending without waiting for each, and this congestion control, are what is fastest here.
const endpoint = new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
const listener = endpoint.listen({
  cert: Deno.readTextFileSync(certificateFile),
  key: Deno.readTextFileSync(keyFile),
  alpnProtocols: [alpn],
  congestionControl: "throughput",
});
console.log(`listening on port :${endpoint.addr.port}`);
const sink = await listener.accept();
const sender = await listener.accept();
const ended = () => undefined;
await Promise.all([forward(sender, sink).catch(ended), forward(sink, sender).catch(ended)]);
Deno.exit(0);
