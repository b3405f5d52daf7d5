/** A socket in the place of systemd's, which writes down what a service tells (sd_notify(3)). */
import { eventually } from "../../tools/lab/wait.ts";

/** Collects what a service tells. */
export class ServiceManager implements AsyncDisposable {
  readonly #folder: string;
  readonly #socket: Deno.DatagramConn;
  readonly #told: readonly { readonly text: string; readonly atMs: number }[];
  readonly #reading: Promise<void>;

  private constructor(
    folder: string,
    socket: Deno.DatagramConn,
    told: readonly { readonly text: string; readonly atMs: number }[],
    reading: Promise<void>,
  ) {
    this.#folder = folder;
    this.#socket = socket;
    this.#told = told;
    this.#reading = reading;
  }

  static async open(): Promise<ServiceManager> {
    const folder = await Deno.makeTempDir({ prefix: "lanparty-notify-" });
    const socket = Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/notify` });
    const told: { text: string; atMs: number }[] = [];
    const reading = (async () => {
      for await (const [bytes] of socket) {
        told.push({ text: new TextDecoder().decode(bytes), atMs: performance.now() });
      }
    })();
    return new ServiceManager(folder, socket, told, reading);
  }

  /** Goes in front of the service's command. */
  get prefix(): readonly string[] {
    return ["env", `NOTIFY_SOCKET=${this.#folder}/notify`, "WATCHDOG_USEC=600000"];
  }

  /** How many messages were like this. */
  count(pattern: RegExp): number {
    return this.#told.filter(({ text }) => pattern.test(text)).length;
  }

  /** Waits for a message like this; one that has come counts, too. */
  hears(pattern: RegExp): Promise<void> {
    return eventually(String(pattern), () => this.count(pattern) > 0);
  }

  /** The longest time between two such messages, from a time on. */
  longestPauseMs(pattern: RegExp, fromMs: number): number {
    const times = this.#told.filter(({ text, atMs }) => atMs >= fromMs && pattern.test(text))
      .map(({ atMs }) => atMs);
    return Math.max(0, ...times.map((atMs, i) => i === 0 ? 0 : atMs - times[i - 1]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#reading;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
