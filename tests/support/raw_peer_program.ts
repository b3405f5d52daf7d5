/// <reference lib="deno.unstable" />
/**
 * The program of a {@linkcode RawPeer}: one argument, a JSON object of `RawPeerPlan`.
 *
 * It speaks the wire protocol over Deno's own QUIC, knowing nothing of it but the framing. It reads
 * orders from standard input, one JSON object per line, and writes to standard output:
 * `connected MAXIMUM`, `message JSON`, `datagram HEX`, `done ID`, `finished`, `closed CODE REASON`.
 */
import { fromHex, join, toHex, u32 } from "../../tools/lab/frames.ts";
import type { RawOrder, RawPeerPlan } from "./raw_peer.ts";

const encoder = new TextEncoder();

function write(line: string): void {
  let bytes = encoder.encode(`${line}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

function frame(message: unknown): Uint8Array<ArrayBuffer> {
  const json = encoder.encode(JSON.stringify(message));
  return join(u32(json.length), json);
}

async function readMessages(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
  let bytes = new Uint8Array(0);
  for await (const chunk of stream) {
    bytes = join(bytes, chunk);
    while (bytes.length >= 4) {
      const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
      if (bytes.length < end) break;
      write(`message ${new TextDecoder().decode(bytes.subarray(4, end))}`);
      bytes = bytes.slice(end);
    }
  }
  write("finished");
}

async function readDatagrams(connection: Deno.QuicConn): Promise<void> {
  for (;;) write(`datagram ${toHex(await connection.readDatagram())}`);
}

async function readOrders(
  connection: Deno.QuicConn,
  control: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  let text = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const order = JSON.parse(line) as RawOrder;
      for (const hex of order.datagrams ?? []) await connection.sendDatagram(fromHex(hex));
      if (order.message !== undefined) await control.write(frame(order.message));
      write(`done ${order.id}`);
    }
  }
}

async function main(): Promise<void> {
  const plan = JSON.parse(Deno.args[0]) as RawPeerPlan;
  const connection = await Deno.connectQuic({
    hostname: plan.host,
    port: plan.port,
    serverName: plan.serverName,
    caCerts: [await Deno.readTextFile(plan.caFile)],
    alpnProtocols: ["lanparty/1"],
    keepAliveInterval: 5_000,
  });
  write(`connected ${connection.maxDatagramSize}`);
  connection.closed.then(
    ({ closeCode, reason }) => write(`closed ${closeCode} ${reason}`),
    (error) => write(`closed -1 ${error}`),
  ).finally(() => Deno.exit(0));
  const stream = await connection.createBidirectionalStream();
  const control = stream.writable.getWriter();
  if (plan.hello !== undefined) await control.write(frame(plan.hello));
  // What fails because the connection is closed is told by `closed`.
  readMessages(stream.readable).catch(() => {});
  readDatagrams(connection).catch(() => {});
  await readOrders(connection, control).catch(() => {});
  connection.close({ closeCode: 0, reason: "" });
}

await main();
