/**
 * The program of a {@linkcode FrameStation}: arguments `INTERFACE [--outgoing] [--not-promiscuous]`.
 *
 * It reads orders from standard input, one JSON object per line, and writes to standard output:
 * `ready`, one JSON object per received frame, `done ID LOST` per order.
 */

import type { LinkFrame } from "../../src/link/device.ts";
import { PacketSocket } from "../../src/link/packet_socket.ts";
import { fromHex, toHex } from "../../tools/lab/frames.ts";

interface Order {
  readonly id: number;
  readonly send?: readonly string[];
  readonly flood?: string;
  readonly count?: number;
  readonly perSecond?: number;
}

const POLL_MS = 2;
const BATCH = 256;
const encoder = new TextEncoder();

/** Writes all of a text: a pipe may take only a part at once. */
function write(text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

function lostBy(socket: PacketSocket): number {
  const { sendFull, sendTooLong, sendDown, sendFailed } = socket.counters;
  return sendFull + sendTooLong + sendDown + sendFailed;
}

async function execute(order: Order, socket: PacketSocket): Promise<void> {
  const before = lostBy(socket);
  for (const hex of order.send ?? []) {
    const frame = fromHex(hex);
    socket.send(frame, 0, frame.length);
  }
  socket.flush();
  if (order.flood !== undefined) {
    await flood(socket, fromHex(order.flood), order.count ?? 1, order.perSecond ?? 1000);
  }
  write(`done ${order.id} ${lostBy(socket) - before}\n`);
}

async function flood(
  socket: PacketSocket,
  frame: Uint8Array,
  count: number,
  perSecond: number,
): Promise<void> {
  const startMs = performance.now();
  let sent = 0;
  while (sent < count) {
    const due = Math.min(count, Math.ceil((performance.now() - startMs) * perSecond / 1000));
    for (; sent < due; sent++) socket.send(frame, 0, frame.length);
    socket.flush();
    await pause(1);
  }
}

async function readOrders(socket: PacketSocket): Promise<void> {
  let text = "";
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) await execute(JSON.parse(line) as Order, socket);
  }
}

async function main(): Promise<void> {
  const socket = PacketSocket.open({
    interface: Deno.args[0],
    promiscuous: !Deno.args.includes("--not-promiscuous"),
    ignoreOutgoing: !Deno.args.includes("--outgoing"),
    ringFrames: 2048,
  });
  let running = true;
  const end = () => running = false;
  Deno.addSignalListener("SIGTERM", end);
  const sink = {
    frame(frame: LinkFrame): void {
      const bytes = frame.bytes.subarray(frame.offset, frame.offset + frame.length);
      const { vlanTpid, vlanTci, virtioFlags, gsoType, segmentBytes } = frame;
      const timeMs = Date.now();
      const hex = toHex(bytes);
      write(
        `${
          JSON.stringify({ timeMs, hex, vlanTpid, vlanTci, virtioFlags, gsoType, segmentBytes })
        }\n`,
      );
    },
  };
  write("ready\n");
  readOrders(socket).finally(end);
  while (running) {
    if (!socket.receive(BATCH, sink)) await pause(POLL_MS);
  }
  socket.close();
  Deno.exit(0);
}

await main();
