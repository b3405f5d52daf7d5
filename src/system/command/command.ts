/**
 * Programs of the system's that are asked to do something, and end then.
 *
 * @module
 */

import { isFile, reasonOf } from "../files/mod.ts";

/** Where system programs are, also when a user's PATH leaves them out. */
const SYSTEM_FOLDERS = [
  ...["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"],
] as const;
/** All that such a program needs of our environment. */
const ENVIRONMENT = { PATH: SYSTEM_FOLDERS.join(":"), LC_ALL: "C" };
/** One that takes longer is stuck, and is killed. */
const TIMEOUT_MS = 5_000;
/** One that is waited for with its answer has longer: firewalld needs seconds for a hundred rules. */
const ANSWER_TIMEOUT_MS = 20_000;
/** What timeout(1) ends with when it had to kill. */
const KILLED_CODE = 128 + 9;
const MESSAGE_CHARACTERS_MAX = 200;
/** What is kept of its output, the last of it. */
const OUTPUT_CHARACTERS_MAX = 4_096;
/** What is kept of an answer: all rules of a busy firewall. */
const ANSWER_CHARACTERS_MAX = 1 << 24;
/** What a program has said is read by then, unless a child of it goes on holding its output open. */
const REST_MS = 100;

/** What became of a program. */
export interface CommandOutcome {
  readonly success: boolean;
  /** The last line of its error output, or what else went wrong. */
  readonly message: string;
  /** Why it has said nothing: it is not there, or did not end and was killed. */
  readonly silence?: "missing" | "stuck";
}

/** What became of a program, and what it has printed. */
export interface QueryOutcome extends CommandOutcome {
  /** Its standard output; the last of it, where it is longer than any answer. */
  readonly output: string;
}

/** Runs a program with arguments, and text for its standard input. */
export type RunCommand = (command: readonly string[], input?: string) => Promise<CommandOutcome>;

/** As {@linkcode RunCommand}, and what it prints is asked for. */
export type QueryCommand = (command: readonly string[], input?: string) => Promise<QueryOutcome>;

/** See {@linkcode RunCommand}; the program is found in the system's folders. */
export async function runCommand(
  command: readonly string[],
  input?: string,
): Promise<CommandOutcome> {
  const { output: _, ...outcome } = await runProgram(command, "null", input);
  return outcome;
}

/** See {@linkcode QueryCommand}; the program is found in the system's folders. */
export function queryCommand(
  command: readonly string[],
  input?: string,
): Promise<QueryOutcome> {
  return runProgram(command, "piped", input);
}

/** As {@linkcode queryCommand}, where nothing else can go on before; it has nothing to read. */
export function queryCommandSync(
  command: readonly string[],
  timeoutMs: number = ANSWER_TIMEOUT_MS,
): QueryOutcome {
  const [name, ...args] = command;
  const path = systemProgram(name);
  const timeout = systemProgram("timeout");
  if (path === undefined) return missing(name);
  const [program, ...words] = timeout === undefined
    ? [path, ...args]
    : [timeout, "--signal=KILL", String(timeoutMs / 1_000), path, ...args];
  const { code, stdout, stderr } = new Deno.Command(program, {
    args: words,
    clearEnv: true,
    env: ENVIRONMENT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).outputSync();
  if (timeout !== undefined && code === KILLED_CODE) return stuck(name);
  const decoder = new TextDecoder();
  return {
    success: code === 0,
    message: lastLine(decoder.decode(stderr), code),
    output: decoder.decode(stdout).slice(-ANSWER_CHARACTERS_MAX),
  };
}

function missing(name: string): QueryOutcome {
  return { success: false, message: `there is no ${name}`, silence: "missing", output: "" };
}

function stuck(name: string): QueryOutcome {
  return { success: false, message: `${name} did not end`, silence: "stuck", output: "" };
}

function lastLine(errors: string, code: number): string {
  return errors.trim().split("\n").at(-1)?.slice(0, MESSAGE_CHARACTERS_MAX) ||
    `it ended with code ${code}`;
}

async function runProgram(
  command: readonly string[],
  stdout: "null" | "piped",
  input = "",
): Promise<QueryOutcome> {
  const [name, ...args] = command;
  const path = systemProgram(name);
  if (path === undefined) return missing(name);
  try {
    const child = new Deno.Command(path, {
      args,
      clearEnv: true,
      env: ENVIRONMENT,
      stdin: "piped",
      stdout,
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    // One that ends without having read it has said why.
    writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
    const said = collectText(child.stderr, OUTPUT_CHARACTERS_MAX);
    const answer = stdout === "null" ? undefined : collectText(child.stdout, ANSWER_CHARACTERS_MAX);
    const isStuck = await endOf(child, stdout === "null" ? TIMEOUT_MS : ANSWER_TIMEOUT_MS);
    const { code } = await child.status;
    const [errors, output] = await Promise.all([said.end(), answer?.end() ?? ""]);
    if (isStuck) return stuck(name);
    return { success: code === 0, message: lastLine(errors, code), output };
  } catch (error) {
    const message = reasonOf(error);
    return { success: false, message, output: "" };
  }
}

/** Waits for a program's end, and brings it about if need be; whether that was so. */
async function endOf(child: Deno.ChildProcess, timeoutMs: number): Promise<boolean> {
  let isStuck = false;
  const timer = setTimeout(() => {
    isStuck = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  await child.status;
  clearTimeout(timer);
  return isStuck;
}

/** Reads a program's output beside it. */
function collectText(
  stream: ReadableStream<Uint8Array>,
  charactersMax: number,
): { end(): Promise<string> } {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const read = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text = (text + decoder.decode(part.value, { stream: true })).slice(-charactersMax);
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
