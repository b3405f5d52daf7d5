/**
 * The administrator's socket: questions and answers of `control.ts`, one of each per connection.
 *
 * @module
 */
import { closeQuietly, takeConnections, writeAll } from "./connections.ts";
import { type ControlAnswer, QUESTION_BYTES_MAX } from "./control.ts";

/** Connections at a time; one more is closed at once. */
const CONNECTIONS_MAX = 8;
/** For a question to come, or an answer. */
const PATIENCE_MS = 5_000;
/** A longer answer is none: all peers of all rooms fit. */
const ANSWER_BYTES_MAX = 64 << 20;
/** Nobody but the owner may read and write what is made meanwhile. */
const OWNER_ONLY = 0o177;
const CHUNK_BYTES = 65_536;

/** Listens until it is closed. */
export class ControlSocket {
  readonly #open = new Set<Deno.UnixConn>();
  #isListening = true;
  readonly #path: string;
  readonly #listener: Deno.UnixListener;
  readonly #answer: (line: string) => ControlAnswer | Promise<ControlAnswer>;

  private constructor(
    path: string,
    listener: Deno.UnixListener,
    answer: (line: string) => ControlAnswer | Promise<ControlAnswer>,
  ) {
    this.#path = path;
    this.#listener = listener;
    this.#answer = answer;
  }

  /**
   * Listens at a path; a socket that an earlier process left there gives way.
   *
   * @param whose what else may listen there, for people
   * @param answer called with each question, a line without its end
   * @throws {Deno.errors.AddrInUse} somebody listens there
   */
  static async listen(
    path: string,
    whose: string,
    answer: (line: string) => ControlAnswer | Promise<ControlAnswer>,
  ): Promise<ControlSocket> {
    await removeStale(path, whose);
    const umask = Deno.umask(OWNER_ONLY);
    let listener: Deno.UnixListener;
    try {
      listener = Deno.listen({ transport: "unix", path });
    } finally {
      Deno.umask(umask);
    }
    const socket = new ControlSocket(path, listener, answer);
    void takeConnections(listener, () => socket.#isListening, (connection) => {
      if (socket.#open.size >= CONNECTIONS_MAX) closeQuietly(connection);
      else void socket.#serve(connection);
    });
    return socket;
  }

  /** Listens no more, and takes the socket away. */
  close(): void {
    this.#isListening = false;
    this.#listener.close();
    for (const connection of this.#open) closeQuietly(connection);
    try {
      Deno.removeSync(this.#path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #serve(connection: Deno.UnixConn): Promise<void> {
    this.#open.add(connection);
    const timer = setTimeout(() => closeQuietly(connection), PATIENCE_MS);
    try {
      const line = await readLine(connection, QUESTION_BYTES_MAX);
      const answer = line === undefined
        ? { ok: false, text: "the question is too long, or has no end" }
        : await this.#answer(line);
      await writeLine(connection, JSON.stringify(answer));
    } catch {
      // Whoever asked has gone, or was too slow.
    } finally {
      clearTimeout(timer);
      this.#open.delete(connection);
      closeQuietly(connection);
    }
  }
}

/**
 * Asks the program that listens at a path.
 *
 * @throws {Deno.errors.NotFound | Deno.errors.ConnectionRefused | Deno.errors.PermissionDenied}
 */
export async function askSocket(path: string, words: readonly string[]): Promise<ControlAnswer> {
  const connection = await Deno.connect({ transport: "unix", path });
  const timer = setTimeout(() => closeQuietly(connection), PATIENCE_MS);
  try {
    await writeLine(connection, JSON.stringify(words));
    const line = await readLine(connection, ANSWER_BYTES_MAX);
    const json: unknown = line === undefined ? undefined : JSON.parse(line);
    if (isAnswer(json)) return json;
    return { ok: false, text: "there was no answer" };
  } finally {
    clearTimeout(timer);
    closeQuietly(connection);
  }
}

function isAnswer(json: unknown): json is ControlAnswer {
  if (typeof json !== "object" || json === null) return false;
  const { ok, text } = json as Record<string, unknown>;
  return typeof ok === "boolean" && typeof text === "string";
}

async function removeStale(path: string, whose: string): Promise<void> {
  const state = await lookAt(path);
  if (state === "listens") throw new Deno.errors.AddrInUse(`another ${whose} listens there`);
  if (state === "stale") Deno.removeSync(path);
}

/** Whether a program listens at a path. @throws {Deno.errors.PermissionDenied} nobody else may know */
export async function isListening(path: string): Promise<boolean> {
  return await lookAt(path) === "listens";
}

async function lookAt(path: string): Promise<"listens" | "stale" | "nothing"> {
  try {
    closeQuietly(await Deno.connect({ transport: "unix", path }));
    return "listens";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "nothing";
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    return "stale";
  }
}

/** Reads up to a line feed; undefined if none comes within so many bytes, or before the end. */
async function readLine(connection: Deno.Conn, bytesMax: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  for (let count = 0; count <= bytesMax;) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bytesMax + 1 - count));
    const length = chunk.length === 0 ? null : await connection.read(chunk);
    if (length === null) return undefined;
    const end = chunk.subarray(0, length).indexOf(0x0a);
    chunks.push(chunk.subarray(0, end < 0 ? length : end));
    if (end >= 0) return new TextDecoder().decode(await new Blob(chunks as BlobPart[]).bytes());
    count += length;
  }
  return undefined;
}

async function writeLine(connection: Deno.Conn, line: string): Promise<void> {
  await writeAll(connection, new TextEncoder().encode(`${line}\n`));
}
