/**
 * Programs of the system's that are asked to do something, and end then.
 *
 * @module
 */

import { isFile } from "../files/mod.ts";

/** Where system programs are, also when a user's PATH leaves them out. */
const SYSTEM_FOLDERS = [
  ...["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"],
] as const;
/** All that such a program needs of our environment. */
const ENVIRONMENT = { PATH: SYSTEM_FOLDERS.join(":"), LC_ALL: "C" };
/** One that takes longer is stuck, and is killed. */
const TIMEOUT_MS = 5_000;
const MESSAGE_CHARACTERS_MAX = 200;
/** What is kept of its output, the last of it. */
const OUTPUT_CHARACTERS_MAX = 4_096;
/** What a program has said is read by then, unless a child of it goes on holding its output open. */
const REST_MS = 100;

/** What became of a program. */
export interface CommandOutcome {
  readonly success: boolean;
  /** The last line of its error output, or what else went wrong. */
  readonly message: string;
}

/** Runs a program with arguments, and text for its standard input. */
export type RunCommand = (command: readonly string[], input?: string) => Promise<CommandOutcome>;

/** See {@linkcode RunCommand}; the program is found in the system's folders. */
export async function runCommand(
  command: readonly string[],
  input = "",
): Promise<CommandOutcome> {
  const [name, ...args] = command;
  const path = systemProgram(name);
  if (path === undefined) return { success: false, message: `there is no ${name}` };
  try {
    const child = new Deno.Command(path, {
      args,
      clearEnv: true,
      env: ENVIRONMENT,
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    // One that ends without having read it has said why.
    writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
    const said = collectText(child.stderr);
    const isStuck = await endOf(child);
    const { code } = await child.status;
    const message =
      (await said.end()).trim().split("\n").at(-1)?.slice(0, MESSAGE_CHARACTERS_MAX) ||
      `it ended with code ${code}`;
    return { success: code === 0, message: isStuck ? `${name} did not end` : message };
  } catch (error) {
    return { success: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Waits for a program's end, and brings it about if need be; whether that was so. */
async function endOf(child: Deno.ChildProcess): Promise<boolean> {
  let isStuck = false;
  const timer = setTimeout(() => {
    isStuck = true;
    child.kill("SIGKILL");
  }, TIMEOUT_MS);
  await child.status;
  clearTimeout(timer);
  return isStuck;
}

/** Reads a program's output beside it. */
function collectText(stream: ReadableStream<Uint8Array>): { end(): Promise<string> } {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const read = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text = (text + decoder.decode(part.value, { stream: true })).slice(-OUTPUT_CHARACTERS_MAX);
    }
  };
  const whole = read();
  return {
    /** What was said; to be called when the program has ended. One that it has left behind is not waited for. */
    async end() {
      let timer: number | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, REST_MS));
      await Promise.race([whole, late]);
      clearTimeout(timer);
      await reader.cancel();
      return text;
    },
  };
}

/** The path of a program in the system's folders; undefined: it is not there. */
export function systemProgram(name: string): string | undefined {
  return SYSTEM_FOLDERS.map((folder) => `${folder}/${name}`).find(isFile);
}
