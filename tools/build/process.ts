/** Commands that the tools run: their output goes to a log file, and comes up only when they fail. */
import { BuildError, cacheFolder, ignoreNotFound } from "./cache.ts";

const LOGS_MAX = 40;
const LAST_LINES = 25;

/** How a command is run. */
export interface RunOptions {
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line of output, for progress. */
  readonly onLine?: (line: string) => void;
  /** The command is ended with SIGKILL after this time. */
  readonly timeoutMs?: number;
}

/** A command that failed, with the log that says why. */
export class CommandError extends BuildError {
  readonly logPath: string;

  constructor(message: string, logPath: string) {
    super(message);
    this.logPath = logPath;
  }
}

/** Directories of system administration tools, which the search path of a plain user lacks. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The search path for commands: this process's own, and the system folders behind it. */
export function searchPath(own = Deno.env.get("PATH") ?? "/usr/local/bin:/usr/bin:/bin"): string {
  const folders = own.split(":").filter((folder) => folder !== "");
  return [...folders, ...SYSTEM_FOLDERS.filter((folder) => !folders.includes(folder))].join(":");
}

/** Every executable file of that name on the search path, first found first. */
async function allCommands(name: string, path: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of path.split(":")) {
    const command = `${folder}/${name}`;
    const information = await Deno.stat(command).catch(() => undefined);
    if (information?.isFile && ((information.mode ?? 0) & 0o111) !== 0) found.push(command);
  }
  return found;
}

/** The full path of a command, or undefined where there is none. */
export async function findCommand(
  name: string,
  path: string = searchPath(),
): Promise<string | undefined> {
  return (await allCommands(name, path))[0];
}

/**
 * The full path of the first command of that name that succeeds with these arguments: a version
 * manager's stand-in may be found first and have nothing behind it.
 */
export async function findWorking(
  name: string,
  args: readonly string[],
  path: string = searchPath(),
): Promise<string | undefined> {
  for (const command of await allCommands(name, path)) {
    if ((await outputOf([command, ...args])) !== undefined) return command;
  }
  return undefined;
}

/** A log: one file of the cache's `log` folder. */
export class Log {
  readonly path: string;
  readonly #file: Deno.FsFile;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#file = file;
  }

  /** Opens a new log; the oldest ones make room. */
  static async open(name: string): Promise<Log> {
    const folder = `${cacheFolder()}/log`;
    await Deno.mkdir(folder, { recursive: true });
    await removeOldLogs(folder);
    const time = new Date().toISOString().replace(/[:.]/g, "-");
    const path = `${folder}/${time}-${name}-${Deno.pid}.log`;
    return new Log(path, await Deno.open(path, { create: true, append: true }));
  }

  writeLine(line: string): void {
    const bytes = new TextEncoder().encode(`${line}\n`);
    for (let written = 0; written < bytes.length;) {
      written += this.#file.writeSync(bytes.subarray(written));
    }
  }

  close(): void {
    this.#file.close();
  }
}

async function removeOldLogs(folder: string): Promise<void> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) names.push(entry.name);
  for (const name of names.sort().reverse().slice(LOGS_MAX - 1)) {
    await Deno.remove(`${folder}/${name}`).catch(ignoreNotFound);
  }
}

/** Runs a command to its end; throws `CommandError` with its last lines where it fails. */
export async function run(
  log: Log,
  command: readonly string[],
  options: RunOptions = {},
): Promise<void> {
  log.writeLine(`$ ${command.join(" ")}`);
  const lastLines: string[] = [];
  const keep = (line: string) => {
    log.writeLine(line);
    if (lastLines.push(line) > LAST_LINES) lastLines.shift();
    options.onLine?.(line);
  };
  const status = await spawn(command, options, keep).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    keep(`${command[0]}: no such command`);
    return { success: false, code: 127, signal: null };
  });
  if (status.success) return;
  const how = status.signal ? `was ended by ${status.signal}` : `failed with code ${status.code}`;
  throw new CommandError(
    [
      `${command[0]} ${how}; its last lines:`,
      ...lastLines.map((line) => `  ${line}`),
      `whole log: ${log.path}`,
    ]
      .join("\n"),
    log.path,
  );
}

async function spawn(
  [program = "", ...args]: readonly string[],
  options: RunOptions,
  onLine: (line: string) => void,
): Promise<Deno.CommandStatus> {
  const child = new Deno.Command(program, {
    args,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { LC_ALL: "C.UTF-8", PATH: searchPath(), ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = () => child.kill("SIGKILL");
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(kill, options.timeoutMs);
  try {
    await Promise.all([readLines(child.stdout, onLine), readLines(child.stderr, onLine)]);
    return await child.status;
  } catch (error) {
    kill();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Splits a stream into lines; a carriage return alone ends a line too, as progress bars use it. */
export async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n|\r/);
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
  rest += decoder.decode();
  if (rest !== "") onLine(rest);
}

/** The standard output of a short command, or undefined where it fails or is not there. */
export async function outputOf(
  command: readonly string[],
  options: Pick<RunOptions, "cwd" | "env"> = {},
): Promise<string | undefined> {
  const [program = "", ...args] = command;
  try {
    const output = await new Deno.Command(program, {
      args,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { LC_ALL: "C.UTF-8", PATH: searchPath(), ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).output();
    return output.success ? new TextDecoder().decode(output.stdout) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
