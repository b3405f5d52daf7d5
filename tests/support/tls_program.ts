/**
 * A C program that plays TLS through msquic's file for OpenSSL, compiled with our patches or without the last ones.
 */
import { ensureOpenSsl, ensureSource, TLS_PATCHES } from "../../tools/build/native_library.ts";
import { runTool } from "./msquic_program.ts";

const PATCHES = new URL("../../tools/msquic/patches/", import.meta.url).pathname;

/**
 * Compiles the program, which includes `tls_openssl.c`, and hands its path to `use`; afterwards it is gone.
 * `before` names a patch of {@linkcode TLS_PATCHES}: it and those after it are taken back first.
 */
export async function withTlsProgram<Result>(
  program: string,
  before: string | undefined,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  const source = await ensureSource();
  const openssl = await ensureOpenSsl();
  const folder = await Deno.makeTempDir({ prefix: "lanparty-tls-" });
  try {
    const tls = `${folder}/src/platform`;
    await Deno.mkdir(tls, { recursive: true });
    await Deno.copyFile(`${source}/src/platform/tls_openssl.c`, `${tls}/tls_openssl.c`);
    const first = before === undefined ? TLS_PATCHES.length : TLS_PATCHES.indexOf(before);
    if (first < 1) throw new Error(`no such patch, or the one without which nothing is: ${before}`);
    for (const name of TLS_PATCHES.slice(first).reverse()) {
      const options = ["-R", "--fuzz=0", "-p1", "-d", folder];
      await runTool("patch", [...options, "-i", `${PATCHES}${name}`]);
    }
    const include = [tls, `${source}/src/platform`, `${source}/src/inc`];
    await runTool("gcc", [
      ...["-O2", "-w", "-fms-extensions", "-D_GNU_SOURCE", "-DCX_PLATFORM_LINUX"],
      ...["-DQUIC_EVENTS_STUB", "-DQUIC_LOGS_STUB", "-DVER_BUILD_ID=0", "-DVER_SUFFIX=-test"],
      ...[...include, `${openssl}/include`].map((path) => `-I${path}`),
      ...[program, `${openssl}/libssl.a`, `${openssl}/libcrypto.a`, "-lpthread"],
      ...["-o", `${folder}/program`],
    ]);
    return await use(`${folder}/program`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
