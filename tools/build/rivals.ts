/** Other people's tunnels of fixed versions, built or unpacked into the cache: none of them is installed. */
import { BuildError, cached, exists, hashFiles, hashOf, prune } from "./cache.ts";
import { unpack } from "./debian_package.ts";
import { findWorking, Log, run } from "./process.ts";
import { step } from "./progress.ts";

const VPNCLOUD_VERSION = "2.3.0";
const WIREGUARD_MODULE = "golang.zx2c4.com/wireguard";
const WIREGUARD_VERSION = "v0.0.0-20260522210424-ecfc5a8d5446";
const SOURCES = new URL("../bench/rivals/", import.meta.url).pathname;

/** Programs of a rival that can be started. */
export interface RivalPrograms {
  readonly version: string;
  /** By their names. */
  readonly paths: Readonly<Record<string, string>>;
  /** What their environment needs, so that they find their libraries. */
  readonly env: Readonly<Record<string, string>>;
}

/** Compiles one of the C sources beside the bench. */
export async function compileBenchProgram(name: "rawtun" | "udp_blast"): Promise<string> {
  const file = `${name}.c`;
  const kind = `bench-${name.replace("_", "-")}`;
  const key = await hashFiles(SOURCES, [file]);
  const folder = await built(kind, key, `compiling ${file}`, (log, target) => {
    return run(log, ["gcc", "-O2", "-Wall", "-o", `${target}/${name}`, `${SOURCES}${file}`]);
  });
  return `${folder}/${name}`;
}

/** VpnCloud, by cargo, from the crates' registry, with the versions of its own lock file. */
export async function ensureVpncloud(): Promise<RivalPrograms> {
  const key = await hashOf([VPNCLOUD_VERSION, Deno.build.target]);
  const folder = await built("rival-vpncloud", key, "building VpnCloud", async (log, target) => {
    const cargo = await requireWorking("cargo", ["--version"]);
    const from = ["vpncloud", "--version", VPNCLOUD_VERSION, "--locked"];
    await run(log, [cargo, "install", ...from, "--root", target], {
      env: { CARGO_TARGET_DIR: `${target}/build` },
    });
    await Deno.remove(`${target}/build`, { recursive: true });
  });
  return { version: VPNCLOUD_VERSION, paths: { vpncloud: `${folder}/bin/vpncloud` }, env: {} };
}

/** wireguard-go, by Go's module proxy; `wg`, which sets it up, is Debian's. */
export async function ensureWireguard(): Promise<RivalPrograms> {
  const key = await hashOf([WIREGUARD_MODULE, WIREGUARD_VERSION, Deno.build.target]);
  const folder = await built(
    "rival-wireguard",
    key,
    "building wireguard-go",
    async (log, target) => {
      const go = await requireWorking("go", ["version"]);
      await run(log, [go, "install", `${WIREGUARD_MODULE}@${WIREGUARD_VERSION}`], {
        env: { GOBIN: target, GOFLAGS: "-modcacherw" },
      });
    },
  );
  const { root } = await unpack("wireguard-tools");
  const paths = { wireguard: `${folder}/wireguard`, wg: `${root}/usr/bin/wg` };
  return { version: WIREGUARD_VERSION, paths, env: {} };
}

/** Debian's tinc. */
export function ensureTinc(): Promise<RivalPrograms> {
  return ensureDebian("tinc", ["liblzo2-2"], { tincd: "usr/sbin/tincd" });
}

/** Debian's n2n. */
export function ensureN2n(): Promise<RivalPrograms> {
  return ensureDebian("n2n", [], { edge: "usr/sbin/edge", supernode: "usr/bin/supernode" });
}

/** Debian's OpenVPN. */
export function ensureOpenvpn(): Promise<RivalPrograms> {
  const libraries = ["liblzo2-2", "libpkcs11-helper1", "libnl-3-200", "libnl-genl-3-200"];
  return ensureDebian("openvpn", libraries, { openvpn: "usr/sbin/openvpn" });
}

async function ensureDebian(
  name: string,
  libraries: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<RivalPrograms> {
  const { root, version } = await unpack(name);
  const folders: string[] = [];
  for (const library of libraries) {
    const { root: below } = await unpack(library);
    for (const folder of [`${below}/usr/lib/x86_64-linux-gnu`, `${below}/lib/x86_64-linux-gnu`]) {
      if (await exists(folder)) folders.push(folder);
    }
  }
  const paths = Object.entries(files).map(([program, path]) => [program, `${root}/${path}`]);
  return {
    version,
    paths: Object.fromEntries(paths),
    env: folders.length === 0 ? {} : { LD_LIBRARY_PATH: folders.join(":") },
  };
}

/** An entry of the cache that commands fill. */
async function built(
  kind: string,
  key: string,
  title: string,
  make: (log: Log, target: string) => Promise<void>,
): Promise<string> {
  const folder = await cached(kind, key, async (target) => {
    const log = await Log.open(kind);
    try {
      await step(title, () => make(log, target));
    } finally {
      log.close();
    }
  });
  await prune(kind, 1);
  return folder;
}

async function requireWorking(name: string, args: readonly string[]): Promise<string> {
  const path = await findWorking(name, args);
  if (path === undefined) throw new BuildError(`no ${name} here that works`);
  return path;
}
