/**
 * One end of a QUIC connection, in a network namespace of its own: a server that does nothing, or a client that
 * watches how its packet size grows.
 *
 * usage: deno run packet_size_end.ts JSON — a {@link PacketSizeTask}; a server prints its port and goes on until it is
 * ended, a client prints a {@link PacketSizeReport} as JSON
 */
import { pass, QuicHost, SERVER_NAME, type ServerFiles, until } from "../lab/quic.ts";
import { msquicLibrary } from "../lab/native.ts";

/** What is to be done. */
export type PacketSizeTask =
  | { readonly role: "server"; readonly files: ServerFiles }
  | {
    readonly role: "client";
    readonly caFile: string;
    readonly host: string;
    readonly port: number;
    /** The size counts as found when it has not grown for so long. */
    readonly quietMs: number;
  };

/** What a client has seen. */
export interface PacketSizeReport {
  /** The longest datagram, bytes. */
  readonly bytes: number;
  /** From the handshake until it was known. */
  readonly ms: number;
}

const HANDSHAKE_AND_SEARCH_MAX_MS = 20_000;

async function serve(host: QuicHost, files: ServerFiles): Promise<never> {
  const { port } = host.listen(host.server(files), "");
  console.log(`port ${port}`);
  for (;;) await pass([host], 60_000);
}

async function watch(host: QuicHost, task: PacketSizeTask & { role: "client" }): Promise<void> {
  const { connection, recorder } = host.connect(
    host.client(task.caFile),
    task.port,
    task.host,
    SERVER_NAME,
  );
  let connectedMs = Infinity;
  let grownMs = Infinity;
  recorder.connected = () => connectedMs = grownMs = performance.now();
  recorder.maxDatagram = () => grownMs = performance.now();
  await until(
    [host],
    () => performance.now() > grownMs + task.quietMs,
    "the end of the search",
    task.quietMs + HANDSHAKE_AND_SEARCH_MAX_MS,
  );
  const report: PacketSizeReport = {
    bytes: connection.maxDatagramBytes,
    ms: grownMs - connectedMs,
  };
  console.log(JSON.stringify(report));
}

const task: PacketSizeTask = JSON.parse(Deno.args[0]);
const host = QuicHost.load(await msquicLibrary());
if (task.role === "server") await serve(host, task.files);
else await watch(host, task);
Deno.exit(0);
