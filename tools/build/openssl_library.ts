/**
 * OpenSSL's two static libraries for msquic: the source is that of crate `openssl-src`, 3.5.x, the release with
 * long-term support (until April 2030). Built by OpenSSL's own recipe, for Linux and, by mingw-w64, for Windows.
 */
import { copyInto, listFiles } from "./cache.ts";
import { fetchCrates } from "./crates.ts";
import { Log, run } from "./process.ts";
import type { Step } from "./progress.ts";

/**
 * What OpenSSL is built without: all that TLS 1.3, X.509 and msquic do not use. Nothing of it is loaded from a
 * disk later (engines, providers, modules), and no environment variable names a configuration to read.
 */
export const OPENSSL_OPTIONS: readonly string[] = [
  "--libdir=lib",
  ...without("shared tests apps docs makedepend filenames deprecated"),
  ...without("autoload-config engine dynamic-engine static-engine module dso legacy fips"),
  ...without("ssl ssl3 tls1 tls1_1 tls1_2 dtls ssl3-method tls1-method tls1_1-method"),
  ...without("tls1_2-method dtls1-method dtls1_2-method tls-deprecated-ec psk srp srtp"),
  // Its own QUIC; the functions for the QUIC of others are there all the same.
  ...without("quic nextprotoneg ssl-trace sslkeylog integrity-only-ciphers weak-ssl-ciphers"),
  ...without("zlib comp ktls http sock dgram async multiblock thread-pool default-thread-pool"),
  ...without("cms cmp ct ts ocsp rfc3779 gost uplink padlockeng capieng afalgeng winstore"),
  ...without("ui-console egd ml-kem ml-dsa slh-dsa ec2m dsa dh idea rc2 rc4 rc5 bf cast seed"),
  ...without("camellia aria sm2 sm3 sm4 md4 mdc2 rmd160 whirlpool blake2 siphash siv ocb"),
  ...without("scrypt argon2 des"),
];

function without(features: string): string[] {
  return features.split(" ").map((feature) => `no-${feature}`);
}

/**
 * Builds OpenSSL. `configuration` is what its Configure gets besides {@linkcode OPENSSL_OPTIONS}: the target first,
 * then `--openssldir`, a cross compiler's prefix, flags for the compiler. Leaves libssl.a, libcrypto.a and
 * include/ in `target`.
 */
export async function buildOpenSsl(
  target: string,
  configuration: readonly string[],
  logName: string,
  progress: Step,
): Promise<void> {
  const log = await Log.open(logName);
  const build = `${target}/build`;
  try {
    const source = `${(await fetchCrates(log))("openssl-src")}/openssl`;
    await Deno.mkdir(build);
    const configure = ["perl", `${source}/Configure`, ...configuration, ...OPENSSL_OPTIONS];
    await run(log, configure, { cwd: build });
    const makefile = await Deno.readTextFile(`${build}/Makefile`);
    const objects = makefile.match(/^[a-z]\S*\.obj?:/gm)?.length ?? 1;
    let compiled = 0;
    await run(log, ["make", `-j${navigator.hardwareConcurrency}`, "build_libs"], {
      cwd: build,
      onLine: (line) => / -c -o /.test(line) && progress.fraction(++compiled / objects),
    });
    await copyHeaders([`${source}/include`, `${build}/include`], `${target}/include`);
    for (const name of ["libssl.a", "libcrypto.a"]) {
      await Deno.rename(`${build}/${name}`, `${target}/${name}`);
    }
    await Deno.remove(build, { recursive: true });
  } finally {
    log.close();
  }
}

/** Brings the headers of several folders together in one. */
async function copyHeaders(folders: readonly string[], target: string): Promise<void> {
  const isNoHeader = (path: string) => path.includes(".") && !path.endsWith(".h");
  for (const folder of folders) {
    for (const path of await listFiles(folder, isNoHeader)) await copyInto(target, folder, path);
  }
}
