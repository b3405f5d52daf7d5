/**
 * Programs with AddressSanitizer: the runtime is not built with it, so its library is preloaded, and msquic alone is
 * instrumented. What it finds ends the program and is written to a folder.
 */
import { BuildError } from "./cache.ts";
import { PROGRAMS_VARIABLE } from "./executables.ts";
import { outputOf } from "./process.ts";

/** Options of AddressSanitizer (its documentation: AddressSanitizerFlags, SanitizerCommonFlags). */
const OPTIONS: readonly string[] = [
  // V8 has memory that is reachable by nothing that the search for leaks knows.
  "detect_leaks=0",
  // Signals are the runtime's: V8 uses SIGSEGV for WebAssembly.
  ...["handle_segv=0", "handle_sigbus=0", "handle_sigill=0", "handle_sigfpe=0", "handle_abort=0"],
  "use_sigaltstack=0",
  // The runtime and its libraries were not built for these.
  ...["alloc_dealloc_mismatch=0", "detect_odr_violation=0"],
  // Freed memory that is kept back, so that tests of memory in use see what the program uses.
  "quarantine_size_mb=32",
];

/** What `sanitizedEnvironment` is made of. */
export interface SanitizedParts {
  /** The library with sanitizers, and the folder of executables that have it inside. */
  readonly library: string;
  readonly programs: string;
  /** Where findings are written to. */
  readonly reports: string;
}

/** The environment of tests, and of all that they start, in which msquic is watched. */
export async function sanitizedEnvironment(
  { library, programs, reports }: SanitizedParts,
): Promise<Record<string, string>> {
  return {
    LD_PRELOAD: await sanitizerLibrary(),
    ASAN_OPTIONS: [...OPTIONS, `log_path=${reports}/address`].join(":"),
    UBSAN_OPTIONS: `print_stacktrace=1:halt_on_error=1:log_path=${reports}/undefined`,
    LANPARTY_MSQUIC_LIBRARY: library,
    [PROGRAMS_VARIABLE]: programs,
  };
}

/** The compiler's AddressSanitizer. */
async function sanitizerLibrary(): Promise<string> {
  const named = (await outputOf(["gcc", "-print-file-name=libasan.so"]) ?? "").trim();
  // What is not found is printed as it was given.
  if (!named.startsWith("/")) throw new BuildError("gcc has no AddressSanitizer (libasan.so)");
  return await Deno.realPath(named);
}

/** What was found: the text of each report. */
export async function readReports(folder: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  return await Promise.all(names.map((name) => Deno.readTextFile(`${folder}/${name}`)));
}
