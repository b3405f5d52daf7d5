/** Files over TCP between two namespaces, compared by their hash. */
import type { Namespace } from "../../tools/lab/netns.ts";
import { isBound } from "../../tools/lab/sockets.ts";
import { eventually } from "../../tools/lab/wait.ts";

const PORT = 7000;
const TIMEOUT_MS = 60_000;

/** A file of random bytes. */
export function makeRandomFile(path: string, sizeBytes: number): void {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(sizeBytes, at + 65_536)));
  }
  Deno.writeFileSync(path, bytes);
}

/** SHA-256 of a file, hexadecimal. */
export async function hashOfFile(path: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Sends a file from one namespace to an address of another, which writes it to `target`.
 *
 * @throws {Error} the connection was not made, or the file did not come in time
 */
export async function transferFile(
  from: Namespace,
  to: Namespace,
  address: string,
  source: string,
  target: string,
): Promise<void> {
  const receiver = to.spawn([
    ...["socat", "-u", `TCP-LISTEN:${PORT},bind=${address},reuseaddr`],
    `OPEN:${target},creat,trunc`,
  ]);
  await eventually("the receiver listens", () => isBound(to, "tcp", PORT));
  const send = ["socat", "-u", `OPEN:${source},rdonly`, `TCP:${address}:${PORT}`];
  await from.run(send, { timeoutMs: TIMEOUT_MS });
  await receiver.waitExit(TIMEOUT_MS);
}
