/// <reference lib="deno.unstable" />
/**
 * The program of a {@linkcode HostileRelay}: one argument, a JSON object of `HostileRelayPlan`.
 *
 * It reads orders from standard input, one JSON object per line, and writes to standard output:
 * `listening`, `joined`, `frame HEX`, `done ID`.
 */
import { ControlReader, encodeControl, readDatagram, splitFrame } from "./deno_codec.ts";
import { fromHex, toHex } from "../../tools/lab/frames.ts";
import type { HostileOrder, HostileRelayPlan } from "./hostile_relay.ts";

const encoder = new TextEncoder();
const SENDER = 2;
const RELAY_FRAME_ID = 0x8000;

function write(line: string): void {
  let bytes = encoder.encode(`${line}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

let player: Deno.QuicConn | undefined;
let frameId = 0;

async function send(frame: Uint8Array): Promise<void> {
  if (player === undefined) throw new Error("nobody has joined");
  frameId = (frameId + 1) & 0x7fff;
  const maximum = player.maxDatagramSize;
  for (const datagram of splitFrame(frame, maximum, SENDER, RELAY_FRAME_ID | frameId)) {
    await player.sendDatagram(datagram);
  }
}

async function welcome(connection: Deno.QuicConn): Promise<void> {
  for await (const stream of connection.incomingBidirectionalStreams) {
    const reader = new ControlReader();
    const writer = stream.writable.getWriter();
    for await (const bytes of stream.readable) {
      reader.push(bytes);
      for (let item = reader.next(); item !== undefined; item = reader.next()) {
        if (item.error !== undefined) throw new Error(item.error);
        const message = item.json as { type: string; room: string };
        if (message.type !== "hello") continue;
        await writer.write(encodeControl({
          ...{ type: "welcome", protocol: 1, peerId: 1, room: message.room, tapMtu: 1400 },
          ...{ gatewayPresent: true, relayTime: Date.now(), resume: "x" },
        }));
        // It speaks as the party's gateway: from a player a client takes less.
        await writer.write(encodeControl({ type: "peerJoined", peerId: SENDER, role: "gateway" }));
        player = connection;
        write("joined");
      }
    }
  }
}

async function readDatagrams(connection: Deno.QuicConn): Promise<void> {
  for (;;) {
    const datagram = readDatagram(await connection.readDatagram());
    if ("frame" in datagram) write(`frame ${toHex(datagram.frame)}`);
  }
}

async function readOrders(): Promise<void> {
  let text = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const order = JSON.parse(line) as HostileOrder;
      for (const hex of order.frames) await send(fromHex(hex));
      write(`done ${order.id}`);
    }
  }
  Deno.exit(0);
}

async function main(): Promise<void> {
  const plan = JSON.parse(Deno.args[0]) as HostileRelayPlan;
  const endpoint = new Deno.QuicEndpoint({ hostname: plan.host, port: plan.port });
  const listener = endpoint.listen({
    cert: Deno.readTextFileSync(plan.certificateFile),
    key: Deno.readTextFileSync(plan.keyFile),
    alpnProtocols: ["lanparty/1"],
    keepAliveInterval: 5_000,
  });
  write("listening");
  readOrders();
  for await (const incoming of listener) {
    const connection = await incoming.accept();
    // A player that leaves ends all that waits for it.
    welcome(connection).catch(() => {});
    readDatagrams(connection).catch(() => {});
  }
}

await main();
