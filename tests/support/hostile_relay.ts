/**
 * A relay that forwards nothing of its room's, and anything that a test wants to a player: it lets in whoever
 * comes, says that the gateway is there, and sends the test's frames as they are.
 *
 * The work is done by `hostile_relay_program.ts`, in a namespace.
 */
import type { IssuedCertificate } from "./certificates.ts";
import { fromHex, toHex } from "../../tools/lab/frames.ts";
import type { LabProcess, Namespace } from "../../tools/lab/netns.ts";

const START_TIMEOUT_MS = 30_000;
const REPLY_TIMEOUT_MS = 10_000;

/** What the program is told in its argument. */
export interface HostileRelayPlan {
  readonly host: string;
  readonly port: number;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A line of the program's input. */
export interface HostileOrder {
  readonly id: number;
  /** Frames, hex. */
  readonly frames: readonly string[];
}

/** See the module. */
export class HostileRelay implements AsyncDisposable {
  /** What the player has sent so far, whole frames alone. */
  readonly frames: Uint8Array[] = [];
  readonly #process: LabProcess;
  #orders = 0;

  /** Listens at an address of a namespace. */
  static async open(
    namespace: Namespace,
    host: string,
    port: number,
    { certificateFile, keyFile }: IssuedCertificate,
  ): Promise<HostileRelay> {
    const relay = new HostileRelay(namespace, { host, port, certificateFile, keyFile });
    await relay.#process.waitForLine(/^listening$/, START_TIMEOUT_MS);
    return relay;
  }

  private constructor(namespace: Namespace, plan: HostileRelayPlan) {
    const program = new URL("./hostile_relay_program.ts", import.meta.url).pathname;
    const options = ["--allow-all", "--unstable-net", "--no-check", "--quiet"];
    this.#process = namespace.spawn(
      [Deno.execPath(), "run", ...options, program, JSON.stringify(plan)],
      {
        onLine: (line, stream) => {
          if (stream === "stdout" && line.startsWith("frame ")) {
            this.frames.push(fromHex(line.slice("frame ".length)));
          }
        },
      },
    );
  }

  /** Sends frames to the player. */
  async send(...frames: Uint8Array[]): Promise<void> {
    const id = ++this.#orders;
    const order: HostileOrder = { id, frames: frames.map(toHex) };
    await this.#process.write(`${JSON.stringify(order)}\n`);
    await this.#process.waitForLine(new RegExp(`^done ${id}$`), REPLY_TIMEOUT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.closeInput();
    await this.#process.stop();
  }
}
