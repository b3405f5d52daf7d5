/**
 * An endpoint of the second implementation, on Deno's own QUIC: written from the text of PROTOCOL.md
 * alone, and made so that a test can also do what the protocol forbids.
 *
 * ```ts
 * await using client = await DenoEndpoint.connect(relay);
 * await client.join({ room: "PARTY", mac: "02:00:00:00:00:51" });
 * await client.sendFrame(frame);
 * const { sourcePeerId, frame } = await client.frame();
 * await client.leave();
 * ```
 *
 * Needs `--unstable-net`.
 */

import {
  ControlReader,
  encodeControl,
  readDatagram,
  Reassembly,
  splitFrame,
} from "./deno_codec.ts";
import { type HelloFields, helloOf, keepToken, withToken } from "./deno_hello.ts";
import { type Message, readRelayMessage } from "./deno_messages.ts";

export { type HelloFields, helloOf } from "./deno_hello.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Application error codes of section 5.3. */
export const CloseCode = { done: 0, rejected: 1, protocol: 2, policy: 3, shuttingDown: 4 } as const;

/** With which code one closes on a last message of the other side. */
const CLOSE_CODES: Readonly<Record<string, number>> = {
  "bye": CloseCode.done,
  "protocol-error": CloseCode.protocol,
  "malformed-limit": CloseCode.protocol,
  "hello-timeout": CloseCode.protocol,
  "kicked": CloseCode.policy,
  "room-closed": CloseCode.policy,
  "replaced": CloseCode.policy,
  "relay-restarting": CloseCode.shuttingDown,
};

/** With so many bytes it has settled. */
const SETTLE_FULL_BYTES = 1418;
const SETTLE_QUIET_MS = 400;
const SETTLE_MAX_MS = 1_000;
const SETTLE_POLL_MS = 5;
const ENDPOINT_FRAME_ID_MAX = 0x7fff;
const RECEIVE_TIMEOUT_MS = 5_000;

/** Which relay, and how it is trusted. */
export interface RelayAddress {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  /** The authority that signed its certificate. */
  readonly caPem: string;
}

/** How an endpoint behaves; what is absent is as the protocol says. */
export interface DenoEndpointOptions {
  readonly alpn?: string;
  /** The local socket; by default one of its own on the relay's kind of loopback. */
  readonly socket?: Deno.QuicEndpoint;
  /** The local address of its own socket. */
  readonly localHost?: string;
  /** A connection that hears nothing for so long is over, also for the relay. */
  readonly idleTimeoutMs?: number;
  /** 0: sends nothing by itself, so that silence is a loss. */
  readonly keepAliveMs?: number;
  /** Whether it closes by itself on the relay's last message. Default true. */
  readonly closesOnLastMessage?: boolean;
}

/** A frame out of the tunnel. */
export interface ReceivedFrame {
  readonly sourcePeerId: number;
  readonly frame: Bytes;
  /** Datagrams that it came in. */
  readonly pieces: number;
}

/** How a connection ended. */
export interface Ending {
  /** The application error code; 0 also where the transport failed. */
  readonly code: number;
  /** What the transport says of it: empty after a close by the application. */
  readonly reason: string;
}

/** Waits for things in a line. */
class Line<Thing> {
  readonly #things: Thing[] = [];
  readonly #waiters: (() => void)[] = [];
  #over = false;

  push(thing: Thing): void {
    this.#things.push(thing);
    this.#waiters.shift()?.();
  }

  /** Nothing more comes. */
  end(): void {
    this.#over = true;
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  /** Everything that has come and was not taken. */
  takeAll(): Thing[] {
    return this.#things.splice(0);
  }

  /** @throws {Error} if nothing comes in time, or ever */
  async take(what: string, timeoutMs: number): Promise<Thing> {
    let late = false;
    const timeout = setTimeout(() => {
      late = true;
      for (const waiter of this.#waiters.splice(0)) waiter();
    }, timeoutMs);
    try {
      while (this.#things.length === 0 && !this.#over) {
        if (late) throw new Error(`no ${what} within ${timeoutMs} ms`);
        await new Promise<void>((resolve) => this.#waiters.push(resolve));
      }
    } finally {
      clearTimeout(timeout);
    }
    const thing = this.#things.shift();
    if (thing === undefined) throw new Error(`no ${what}: the other side has ended`);
    return thing;
  }
}

/** See the module. */
export class DenoEndpoint implements AsyncDisposable {
  /** What the welcome said. */
  peerId = 0;
  tapMtu = 0;
  resume = "";
  /** The longest datagram that it advertises and sends; 0 before it has settled. */
  budgetBytes = 0;
  /** All messages of the relay that have come, in their order. */
  readonly messages: Message[] = [];
  /** Messages that are against the schema; an endpoint would end the session. */
  readonly wrongMessages: unknown[] = [];
  /** Datagrams that have come, and those of them that were malformed. */
  datagramsReceived = 0;
  readonly malformed: string[] = [];
  /** How the connection ended, once it has. */
  ending: Ending | undefined;
  /** Whether the relay has finished its side of the control stream. */
  controlFinished = false;

  readonly #connectedMs = performance.now();
  readonly #messageLine = new Line<Message>();
  readonly #frameLine = new Line<ReceivedFrame>();
  readonly #datagramLine = new Line<Bytes>();
  readonly #reassembly = new Reassembly();
  readonly #pieces = new Map<string, number>();
  readonly #work: Promise<void>[] = [];
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #frameId = 0;
  readonly #socket: Deno.QuicEndpoint;
  readonly #ownsSocket: boolean;
  readonly #options: DenoEndpointOptions;
  readonly #relay: RelayAddress;

  private constructor(
    readonly connection: Deno.QuicConn,
    socket: Deno.QuicEndpoint,
    ownsSocket: boolean,
    options: DenoEndpointOptions,
    relay: RelayAddress,
  ) {
    this.#socket = socket;
    this.#ownsSocket = ownsSocket;
    this.#options = options;
    this.#relay = relay;
    this.#work.push(this.#watchEnd(), this.#readDatagrams());
  }

  /**
   * Does the handshake.
   *
   * @throws {Error} if the relay or its certificate is not what it should be
   */
  static async connect(
    relay: RelayAddress,
    options: DenoEndpointOptions = {},
  ): Promise<DenoEndpoint> {
    const localHost = options.localHost ?? (relay.host.includes(":") ? "::1" : "127.0.0.1");
    const socket = options.socket ?? new Deno.QuicEndpoint({ hostname: localHost, port: 0 });
    const keepAliveMs = options.keepAliveMs ?? 5_000;
    try {
      const connection = await Deno.connectQuic({
        hostname: relay.host,
        port: relay.port,
        serverName: relay.serverName,
        caCerts: [relay.caPem],
        alpnProtocols: [options.alpn ?? "lanparty/1"],
        endpoint: socket,
        maxIdleTimeout: options.idleTimeoutMs ?? 15_000,
        ...(keepAliveMs === 0 ? {} : { keepAliveInterval: keepAliveMs }),
        maxConcurrentBidirectionalStreams: 0,
        maxConcurrentUnidirectionalStreams: 0,
      });
      return new DenoEndpoint(connection, socket, options.socket === undefined, options, relay);
    } catch (error) {
      if (options.socket === undefined) socket.close();
      throw error;
    }
  }

  /** Section 10: waits until the maximum has settled; the budget. */
  async settle(): Promise<number> {
    let maximum = this.connection.maxDatagramSize;
    let grewMs = performance.now();
    for (;;) {
      const nowMs = performance.now();
      if (maximum >= SETTLE_FULL_BYTES || nowMs - grewMs >= SETTLE_QUIET_MS) break;
      if (nowMs - this.#connectedMs >= SETTLE_MAX_MS) break;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
      if (this.connection.maxDatagramSize > maximum) grewMs = performance.now();
      maximum = this.connection.maxDatagramSize;
    }
    this.budgetBytes = maximum;
    return maximum;
  }

  /** Opens the control stream, and reads it. */
  async openControl(): Promise<void> {
    if (this.#writer !== undefined) return;
    const stream = await this.connection.createBidirectionalStream();
    this.#writer = stream.writable.getWriter();
    this.#work.push(this.#readControl(stream.readable));
  }

  /** Sends any bytes on the control stream. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    await this.openControl();
    await this.#writer!.write(bytes);
  }

  /** Sends any value as a control message. */
  async send(message: unknown): Promise<void> {
    await this.sendBytes(encodeControl(message));
  }

  /** Finishes this side of the control stream. */
  async finish(): Promise<void> {
    await this.openControl();
    await this.#writer!.close();
  }

  /** Settles (where it has not) and says hello; returns the relay's first message. */
  async hello(fields: HelloFields): Promise<Message> {
    if (this.budgetBytes === 0) await this.settle();
    if (fields.datagramBudget !== undefined) this.budgetBytes = fields.datagramBudget;
    await this.send(helloOf({ ...fields, datagramBudget: this.budgetBytes }));
    return await this.message();
  }

  /**
   * Says hello, with the token of an earlier session of the same player, and takes note of the welcome.
   *
   * @throws {Error} if something else is the answer
   */
  async join(fields: HelloFields): Promise<Message> {
    const answer = await this.hello(withToken(this.#relay, fields));
    if (answer.type !== "welcome") throw new Error(`no welcome but ${JSON.stringify(answer)}`);
    this.peerId = Number(answer["peerId"]);
    this.tapMtu = Number(answer["tapMtu"]);
    this.resume = String(answer["resume"]);
    keepToken(this.#relay, fields, this.resume);
    return answer;
  }

  /** The next message of the relay. */
  message(timeoutMs = RECEIVE_TIMEOUT_MS): Promise<Message> {
    return this.#messageLine.take("message", timeoutMs);
  }

  /** The next message of a type; others before it are passed over. Each is waited for so long. */
  async messageOf(type: string, timeoutMs = RECEIVE_TIMEOUT_MS): Promise<Message> {
    for (;;) {
      const message = await this.message(timeoutMs);
      if (message.type === type) return message;
    }
  }

  /** Messages that have come and were not taken. */
  takeMessages(): Message[] {
    return this.#messageLine.takeAll();
  }

  /** Sends a frame, in pieces where it does not fit. */
  async sendFrame(frame: Uint8Array): Promise<void> {
    const maximum = Math.min(this.budgetBytes, this.connection.maxDatagramSize);
    const datagrams = splitFrame(frame, maximum, 0, this.#frameId);
    if (datagrams.length === 0) throw new RangeError("the path is too narrow for the frame");
    if (datagrams.length > 1) this.#frameId = (this.#frameId + 1) & ENDPOINT_FRAME_ID_MAX;
    for (const datagram of datagrams) await this.connection.sendDatagram(datagram);
  }

  /** Sends any bytes as a datagram. */
  async sendDatagram(bytes: Uint8Array): Promise<void> {
    await this.connection.sendDatagram(bytes);
  }

  /** The next whole frame. */
  frame(timeoutMs = RECEIVE_TIMEOUT_MS): Promise<ReceivedFrame> {
    return this.#frameLine.take("frame", timeoutMs);
  }

  /** Frames that have come and were not taken. */
  takeFrames(): ReceivedFrame[] {
    return this.#frameLine.takeAll();
  }

  /** The next datagram as it came. */
  datagram(timeoutMs = RECEIVE_TIMEOUT_MS): Promise<Bytes> {
    return this.#datagramLine.take("datagram", timeoutMs);
  }

  /** Datagrams that have come and were not taken. */
  takeDatagrams(): Bytes[] {
    return this.#datagramLine.takeAll();
  }

  /** Waits until the connection has ended. */
  async ended(timeoutMs = RECEIVE_TIMEOUT_MS): Promise<Ending> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`the connection lives after ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      await Promise.race([this.#work[0], late.promise]);
    } finally {
      clearTimeout(timer);
    }
    return this.ending!;
  }

  /** Says good-bye; the relay closes. */
  async leave(): Promise<Ending> {
    await this.send({ type: "disconnect", code: "bye", message: "" });
    await this.finish();
    return await this.ended();
  }

  /** Closes the connection without a word. */
  close(code = 0): void {
    this.connection.close({ closeCode: code, reason: "" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ending === undefined) this.close();
    if (this.#ownsSocket) this.#socket.close();
    await Promise.all(this.#work);
    // The relay may have closed while bytes of ours were on their way.
    await this.#writer?.abort().catch(() => {});
  }

  async #watchEnd(): Promise<void> {
    const { closeCode, reason } = await this.connection.closed.catch((error) => {
      return { closeCode: 0, reason: String(error) };
    });
    this.ending = { code: closeCode, reason };
  }

  async #readControl(readable: Deno.QuicReceiveStream): Promise<void> {
    const reader = new ControlReader();
    const source = readable.getReader();
    try {
      for (;;) {
        const { value, done } = await source.read();
        if (done) break;
        reader.push(value);
        for (let item = reader.next(); item !== undefined; item = reader.next()) {
          if (item.error !== undefined) throw new Error(item.error);
          this.#takeMessage(item.json);
        }
      }
      this.controlFinished = this.ending === undefined;
    } catch (error) {
      // The end of the connection ends its stream; anything else is the relay's mistake.
      if (this.ending === undefined && error instanceof TypeError) throw error;
    } finally {
      this.#messageLine.end();
    }
  }

  #takeMessage(json: unknown): void {
    const { message } = { message: undefined, ...readRelayMessage(json) };
    if (message === undefined) {
      this.wrongMessages.push(json);
      return;
    }
    this.messages.push(message);
    this.#messageLine.push(message);
    if (message.type === "peerLeft") this.#reassembly.forget(Number(message["peerId"]));
    if (this.#options.closesOnLastMessage === false) return;
    if (message.type === "reject" || message.type === "redirect") this.close(CloseCode.rejected);
    if (message.type === "disconnect") this.close(CLOSE_CODES[String(message["code"])]);
  }

  async #readDatagrams(): Promise<void> {
    try {
      for (;;) this.#takeDatagram(await this.connection.readDatagram());
    } catch {
      // The connection has ended.
    } finally {
      this.#frameLine.end();
      this.#datagramLine.end();
    }
  }

  #takeDatagram(bytes: Bytes): void {
    this.datagramsReceived++;
    this.#datagramLine.push(bytes);
    const datagram = readDatagram(bytes);
    if ("malformed" in datagram) {
      this.malformed.push(datagram.malformed);
      return;
    }
    const { sourcePeerId } = datagram;
    if ("frame" in datagram) {
      return this.#frameLine.push({ sourcePeerId, frame: datagram.frame, pieces: 1 });
    }
    const key = `${sourcePeerId} ${datagram.frameId}`;
    const pieces = (this.#pieces.get(key) ?? 0) + 1;
    const result = this.#reassembly.push(datagram, performance.now());
    if (result.result === "waiting") this.#pieces.set(key, pieces);
    else this.#pieces.delete(key);
    if (result.result === "frame") {
      this.#frameLine.push({ sourcePeerId, frame: result.frame, pieces });
    }
  }
}
