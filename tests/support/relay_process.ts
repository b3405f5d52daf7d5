/** The compiled relay as a process on loopback, with a certificate that Deno's QUIC trusts. */

import { executablePath } from "../../tools/build/executables.ts";
import { issueLeaf, makeAuthority } from "../../tools/lab/certificates.ts";
import type { RelayAddress } from "./deno_endpoint.ts";
import { LabProcess } from "../../tools/lab/process.ts";

const READY_TIMEOUT_MS = 20_000;

/** Where and how a relay is started. */
export interface RelayProcessOptions {
  /** Addresses to listen on. Default: a free port of 127.0.0.1. */
  readonly listen?: readonly string[];
  /** Further options of the command line; `--policy open` unless they say otherwise. */
  readonly options?: readonly string[];
  /** Goes in front of the command, such as `ip netns exec …`. */
  readonly prefix?: readonly string[];
}

/** A relay that runs, with what is needed to connect to it. */
export class RelayProcess implements AsyncDisposable {
  /** All listeners, in the order of `listen`. */
  addresses: RelayAddress[] = [];
  #process: LabProcess;
  readonly #folder: string;
  readonly #caPem: string;
  readonly #options: RelayProcessOptions;

  private constructor(
    folder: string,
    caPem: string,
    options: RelayProcessOptions,
  ) {
    this.#folder = folder;
    this.#caPem = caPem;
    this.#options = options;
    this.#process = this.#spawn(options.listen ?? ["127.0.0.1:0"]);
  }

  /** Starts a relay with a state folder of its own. */
  static async start(options: RelayProcessOptions = {}): Promise<RelayProcess> {
    const folder = await Deno.makeTempDir({ prefix: "lanparty-relay-" });
    const { authority, leaf } = await certificates();
    await Deno.writeTextFile(`${folder}/cert.pem`, leaf.certificatePem);
    await Deno.writeTextFile(`${folder}/key.pem`, leaf.keyPem, { mode: 0o600 });
    await Deno.writeTextFile(`${folder}/ca.pem`, authority.certificatePem);
    const relay = new RelayProcess(folder, authority.certificatePem, options);
    await relay.#ready();
    return relay;
  }

  /** The first listener. */
  get address(): RelayAddress {
    return this.addresses[0];
  }

  /** The file of the authority that signed the relay's certificate. */
  get caFile(): string {
    return `${this.#folder}/ca.pem`;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** What it has logged. */
  get log(): string {
    return this.#process.stderr;
  }

  get running(): boolean {
    return this.#process.running;
  }

  /** Where its status pages are (`--status`), without a slash at the end. */
  async statusUrl(): Promise<string> {
    const [, url] = await this.#process.waitForLine(/"Serving status".*?"url":"(http:.*?)\/"/);
    return url;
  }

  /** Sends a signal. */
  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Waits for its end; the exit code. */
  waitExit(timeoutMs?: number): Promise<number> {
    return this.#process.waitExit(timeoutMs);
  }

  /** Starts it anew on the same ports, with the same state. */
  async restart(): Promise<void> {
    await this.#process.stop();
    const listen = this.addresses.map(({ host, port }) =>
      host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
    );
    this.#process = this.#spawn(listen);
    await this.#ready();
  }

  /** Resident memory in bytes (proc(5)). */
  residentBytes(): number {
    const status = Deno.readTextFileSync(`/proc/${this.pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }

  #spawn(listen: readonly string[]): LabProcess {
    return new LabProcess([
      ...this.#options.prefix ?? [],
      executablePath("relay"),
      ...listen.flatMap((address) => ["--listen", address]),
      ...["--cert", `${this.#folder}/cert.pem`, "--key", `${this.#folder}/key.pem`],
      ...["--state-dir", `${this.#folder}/state`, "--log-format", "json"],
      ...this.#options.options?.includes("--policy") ? [] : ["--policy", "open"],
      ...this.#options.options ?? [],
    ]);
  }

  async #ready(): Promise<void> {
    await this.#process.waitForLine(/"Certificate in use"/, READY_TIMEOUT_MS);
    const lines = this.#process.stderr.matchAll(/"message":"Listening".*?"address":"(.*?)"/g);
    this.addresses = [...lines].map(([, address]) => {
      const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address)!;
      return { host, port: Number(port), serverName: SERVER_NAME, caPem: this.#caPem };
    });
  }
}

const SERVER_NAME = "relay.test";

let made: ReturnType<typeof makeCertificates> | undefined;

/** One authority and leaf for all relays of a test file. */
function certificates(): ReturnType<typeof makeCertificates> {
  return made ??= makeCertificates();
}

async function makeCertificates() {
  const authority = await makeAuthority();
  return { authority, leaf: await issueLeaf(authority, { names: [SERVER_NAME] }) };
}
