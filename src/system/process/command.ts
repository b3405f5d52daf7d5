/**
 * Programs of the system's that are asked to do something, and end then.
 *
 * @module
 */

/** Where system programs are, also when a user's PATH leaves them out. */
const SYSTEM_FOLDERS = [
  ...["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"],
] as const;
/** All that such a program needs of our environment. */
const ENVIRONMENT = { PATH: SYSTEM_FOLDERS.join(":"), LC_ALL: "C" };
/** One that takes longer is stuck, and is killed. */
const TIMEOUT_MS = 5_000;
const MESSAGE_CHARACTERS_MAX = 200;

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
  const stuck = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const child = new Deno.Command(path, {
      args,
      clearEnv: true,
      env: ENVIRONMENT,
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
      signal: stuck,
    }).spawn();
    const writer = child.stdin.getWriter();
    // One that ends without having read it has said why.
    writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
    const { code, stderr } = await child.output();
    const lines = new TextDecoder().decode(stderr).trim().split("\n");
    const message = lines.at(-1)?.slice(0, MESSAGE_CHARACTERS_MAX) || `it ended with code ${code}`;
    return { success: code === 0, message: stuck.aborted ? `${name} did not end` : message };
  } catch (error) {
    return { success: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** The path of a program in the system's folders; undefined: it is not there. */
export function systemProgram(name: string): string | undefined {
  return SYSTEM_FOLDERS.map((folder) => `${folder}/${name}`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}
