/**
 * What the servers of this folder have in common: taking connections, however many want to come.
 *
 * @module
 */

/** When none can be taken (too many files are open, say), the next try comes after so long. */
const RETRY_MS = 20;

/**
 * Takes connections until the listener is closed. What fails here fails for a while, or for one guest:
 * it ends neither the listener nor the program.
 *
 * @param makeRoom called when nobody can be taken: gives back what it can
 */
export async function takeConnections<Connection extends Deno.Conn>(
  listener: { accept(): Promise<Connection> },
  isOpen: () => boolean,
  take: (connection: Connection) => void,
  makeRoom: () => void = () => {},
): Promise<void> {
  while (isOpen()) {
    try {
      take(await listener.accept());
    } catch {
      if (!isOpen()) return;
      makeRoom();
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Closes what may be closed already. */
export function closeQuietly(closable: { close(): void }): void {
  try {
    closable.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Writes all of the bytes. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}
