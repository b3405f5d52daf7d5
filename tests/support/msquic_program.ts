/**
 * C programs that run parts of msquic, compiled from its source with our patches or without one of them.
 *
 * @module
 */
import { ensureSource } from "../../tools/native_library.ts";

const PATCHES = new URL("../../tools/msquic/patches/", import.meta.url).pathname;

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
  /** A patch of ours to be taken back before; it must touch files of `src/core` only. */
  readonly without?: string;
}

/** Compiles a program and hands its path to `use`; afterwards it is gone. */
export async function withMsquicProgram<Result>(
  { program, core, without }: MsquicProgram,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  const source = await ensureSource();
  const folder = await Deno.makeTempDir({ prefix: "lanparty-msquic-" });
  try {
    let headers = `${source}/src/core`;
    if (without !== undefined) {
      await runTool("cp", ["-r", headers, folder]);
      headers = `${folder}/core`;
      const options = ["-R", "--fuzz=0", "-p2", "-d", folder];
      await runTool("patch", [...options, "-i", `${PATCHES}${without}`]);
    }
    await runTool("gcc", [
      ...["-O2", "-w", "-fms-extensions", "-ffunction-sections", "-Wl,--gc-sections"],
      ...["-D_GNU_SOURCE", "-DCX_PLATFORM_LINUX", "-DQUIC_BUILD_STATIC"],
      ...["-DQUIC_EVENTS_STUB", "-DQUIC_LOGS_STUB", "-DVER_BUILD_ID=0", "-DVER_SUFFIX=-test"],
      ...[`-I${headers}`, `-I${source}/src/inc`, `-I${source}/src/generated/linux`],
      ...[program, ...core.map((name) => `${headers}/${name}`), "-o", `${folder}/program`],
    ]);
    return await use(`${folder}/program`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
