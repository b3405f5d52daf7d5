/**
 * A peer that says and sends what a test wants, also what no program of ours would: it speaks the wire
 * protocol over Deno's own QUIC, from a namespace.
 */
import { fromHex, toHex } from "../../tools/lab/frames.ts";
import type { LabProcess, Namespace } from "../../tools/lab/netns.ts";
import { eventually } from "../../tools/lab/wait.ts";

const START_TIMEOUT_MS = 30_000;
const REPLY_TIMEOUT_MS = 10_000;

/** How a raw peer connects, and its first message. */
export interface RawPeerPlan {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  /** PEM file of the CA; Deno's QUIC accepts no self-signed certificate. */
  readonly caFile: string;
  readonly hello?: object;
}

/** A line of the program's input. */
export interface RawOrder {
  readonly id: number;
  readonly datagrams?: readonly string[];
  readonly message?: object;
}

/** A control message of the relay. */
export type RawMessage = { readonly type: string; readonly [field: string]: unknown };

/** A connection to a relay. */
export class RawPeer implements AsyncDisposable {
  readonly messages: RawMessage[] = [];
  readonly datagrams: Uint8Array[] = [];
  /** How the connection ended: application error code, or -1 for any other end. */
  closedCode: number | undefined;
  readonly #process: LabProcess;
  #orders = 0;

  /** Connects, and says the plan's hello if there is one. */
  static async connect(namespace: Namespace, plan: RawPeerPlan): Promise<RawPeer> {
    const peer = new RawPeer(namespace, plan);
    await peer.#process.waitForLine(/^connected \d+$/, START_TIMEOUT_MS);
    return peer;
  }

  /** Connects and is let into the room. */
  static async join(namespace: Namespace, plan: RawPeerPlan): Promise<RawPeer> {
    const peer = await RawPeer.connect(namespace, plan);
    await peer.waitForMessage("welcome");
    return peer;
  }

  private constructor(namespace: Namespace, plan: RawPeerPlan) {
    const program = new URL("./raw_peer_program.ts", import.meta.url).pathname;
    const options = ["--allow-all", "--unstable-net", "--no-check", "--quiet"];
    this.#process = namespace.spawn(
      [Deno.execPath(), "run", ...options, program, JSON.stringify(plan)],
      { onLine: (line, stream) => stream === "stdout" && this.#handleLine(line) },
    );
  }

  /** Sends datagrams as they are. */
  async send(...datagrams: Uint8Array[]): Promise<void> {
    await this.#order({ datagrams: datagrams.map(toHex) });
  }

  /** Sends a control message. */
  async say(message: object): Promise<void> {
    await this.#order({ message });
  }

  /** The first message of a type, of those that are there or still come. */
  async waitForMessage(type: string): Promise<RawMessage> {
    const find = () => this.messages.find((message) => message.type === type);
    await eventually(`message ${type}`, () => find() !== undefined, REPLY_TIMEOUT_MS);
    return find()!;
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    await this.#process.closeInput();
    await this.#process.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #handleLine(line: string): void {
    const at = line.indexOf(" ");
    const [kind, value] = [line.slice(0, at), line.slice(at + 1)];
    if (kind === "message") this.messages.push(JSON.parse(value) as RawMessage);
    else if (kind === "datagram") this.datagrams.push(fromHex(value));
    else if (kind === "closed") this.closedCode = Number(value.split(" ")[0]);
  }

  async #order(order: Omit<RawOrder, "id">): Promise<void> {
    const id = ++this.#orders;
    await this.#process.write(`${JSON.stringify({ ...order, id })}\n`);
    await this.#process.waitForLine(new RegExp(`^done ${id}$`), REPLY_TIMEOUT_MS);
  }
}
