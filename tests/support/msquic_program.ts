/**
 * C programs that run parts of msquic, compiled from its source with our patches or without one of them.
 */
import { ensureSource, PATCHES } from "../../tools/build/native_library.ts";

const PATCH_FOLDER = new URL("../../tools/msquic/patches/", import.meta.url).pathname;
const HEADER_FOLDER = new URL("../ffi/", import.meta.url).pathname;

/** Runs a command to its end; its output. @throws {Error} it failed */
export async function runTool(
  command: string,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { success, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${command} failed:\n${text(stderr)}${text(stdout)}`);
  return text(stdout);
}

/** What is compiled. */
export interface MsquicProgram {
  /** The C program. */
  readonly program: string;
  /** Files of msquic's `src/core`. */
  readonly core: readonly string[];
  /** Files of msquic's `src/platform`. */
  readonly platform?: readonly string[];
  /** Libraries to be linked, as gcc's options. */
  readonly libraries?: readonly string[];
  /** A patch of ours: the source is as it was before that was applied. */
  readonly without?: string;
}

/** Copies msquic's source to a folder and takes patches back, the last one first, down to the given one. */
async function takeBack(patch: string, source: string, folder: string): Promise<void> {
  const index = PATCHES.indexOf(patch);
  if (index < 0) throw new Error(`there is no patch ${patch}`);
  await Deno.mkdir(`${folder}/src/generated`, { recursive: true });
  for (const part of ["core", "inc", "platform", "generated/linux"]) {
    await runTool("cp", ["-r", `${source}/src/${part}`, `${folder}/src/${part}`]);
  }
  for (const name of PATCHES.slice(index).reverse()) {
    const options = ["-R", "-s", "--fuzz=0", "-p1", "-d", folder];
    await runTool("patch", [...options, "-i", `${PATCH_FOLDER}${name}`]);
  }
}

/**
 * Compiles a program and hands its path to `use`; afterwards it is gone. Functions of msquic that are in none of
 * its files and that it does not define lie at address zero: one that is called ends the program.
 */
export async function withMsquicProgram<Result>(
  { program, core, platform = [], libraries = [], without }: MsquicProgram,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  let source = await ensureSource();
  const folder = await Deno.makeTempDir({ prefix: "lanparty-msquic-" });
  try {
    if (without !== undefined) {
      await takeBack(without, source, folder);
      source = folder;
    }
    const files = [
      ...core.map((name) => `${source}/src/core/${name}`),
      ...platform.map((name) => `${source}/src/platform/${name}`),
    ];
    await runTool("gcc", [
      ...["-O2", "-w", "-fms-extensions", "-ffunction-sections", "-fdata-sections", "-static"],
      ...["-Wl,--gc-sections", "-Wl,--unresolved-symbols=ignore-all"],
      ...["-D_GNU_SOURCE", "-DNDEBUG", "-DCX_PLATFORM_LINUX", "-DQUIC_BUILD_STATIC"],
      ...["-DQUIC_EVENTS_STUB", "-DQUIC_LOGS_STUB", "-DVER_BUILD_ID=0", "-DVER_SUFFIX=-test"],
      ...[`-I${source}/src/core`, `-I${source}/src/platform`, `-I${source}/src/inc`],
      ...[`-I${source}/src/generated/linux`, `-I${HEADER_FOLDER}`],
      ...[program, ...files, ...libraries, "-o", `${folder}/program`],
    ]);
    return await use(`${folder}/program`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * What a program says to each line of cases given as its first argument; "crashed" if it ends by a signal.
 *
 * @param what the program, with all patches or without some
 */
export async function sayings(
  what: MsquicProgram,
  cases: readonly string[],
): Promise<Record<string, string>> {
  return await withMsquicProgram(what, async (path) => {
    const said: Record<string, string> = {};
    for (const name of cases) {
      const command = new Deno.Command(path, { args: [name], stdout: "piped", stderr: "piped" });
      const { signal, stdout } = await command.output();
      said[name] = signal === null ? new TextDecoder().decode(stdout).trim() : "crashed";
    }
    return said;
  });
}
