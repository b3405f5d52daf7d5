/**
 * UDP sockets for tests beside hosts that are driven turn by turn: one that writes down what comes, and a tap on the
 * way between a client and a server.
 */

import { createSocket, type Socket } from "node:dgram";
import type { QuicHost } from "../../tools/lab/quic.ts";

/** Datagrams that the runtime gets a chance to deliver, in one turn of its own. */
const TURN_MS = 0;

/** A plain UDP socket that writes down what comes to it. */
export class UdpRecorder implements AsyncDisposable {
  readonly received: Uint8Array[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (bytes) => this.received.push(Uint8Array.from(bytes)));
  }

  /** @param host its own address, any of 127.0.0.0/8 */
  static async bind(host = "127.0.0.1"): Promise<UdpRecorder> {
    return new UdpRecorder(await bound(host));
  }

  send(bytes: Uint8Array, port: number, host = "127.0.0.1"): Promise<void> {
    return sendFrom(this.#socket, bytes, port, host);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/** Where a tapped datagram goes; "drop" is nowhere. */
export type Verdict = "forward" | "drop";

/**
 * Stands between a client, which takes it for the server, and the server.
 *
 * ```
 *  client ── port ──► tap ──► server
 * ```
 */
export class UdpTap implements AsyncDisposable {
  readonly fromClient: Uint8Array[] = [];
  readonly fromServer: Uint8Array[] = [];
  /** Asked about each datagram; may send others before it. */
  onClient: (bytes: Uint8Array) => Verdict = () => "forward";
  onServer: (bytes: Uint8Array) => Verdict = () => "forward";
  readonly #near: Socket;
  readonly #far: Socket;
  #client: { port: number; address: string } | undefined;

  private constructor(near: Socket, far: Socket, serverPort: number) {
    this.#near = near;
    this.#far = far;
    near.on("message", (bytes, from) => {
      this.#client = from;
      const copy = Uint8Array.from(bytes);
      this.fromClient.push(copy);
      if (this.onClient(copy) === "forward") far.send(copy, serverPort, "127.0.0.1");
    });
    far.on("message", (bytes) => {
      const copy = Uint8Array.from(bytes);
      this.fromServer.push(copy);
      if (this.onServer(copy) === "forward") this.tellClient(copy);
    });
  }

  static async open(serverPort: number): Promise<UdpTap> {
    return new UdpTap(await bound("127.0.0.1"), await bound("127.0.0.1"), serverPort);
  }

  /** What the client takes for its server's. */
  get port(): number {
    return this.#near.address().port;
  }

  /** Sends something to the client as if from its server. */
  tellClient(bytes: Uint8Array): void {
    if (this.#client === undefined) throw new Error("no client has come yet");
    this.#near.send(bytes, this.#client.port, this.#client.address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#near, this.#far]) {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    }
  }
}

function bound(host: string): Promise<Socket> {
  const socket = createSocket("udp4");
  return new Promise((resolve) => socket.bind(0, host, () => resolve(socket)));
}

function sendFrom(socket: Socket, bytes: Uint8Array, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(bytes, port, host, (error) => error === null ? resolve() : reject(error));
  });
}

/** Runs the hosts' turns, and the runtime's own between them, until a condition holds. */
export async function untilTapped(
  hosts: readonly QuicHost[],
  condition: () => boolean,
  what: string,
  timeoutMs = 20_000,
): Promise<void> {
  const startMs = performance.now();
  while (!condition()) {
    for (const host of hosts) host.reactor.turn(1);
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    if (performance.now() - startMs > timeoutMs) throw new Error(`did not happen: ${what}`);
  }
}
