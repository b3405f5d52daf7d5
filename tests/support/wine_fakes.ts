/**
 * Fakes in the place of parts of Windows that Wine lacks, or that a test must watch: a driver, the
 * program that carries its frames, and DLLs that write down what they are asked for.
 */
import { cached, hashFiles, hashOf, prune } from "../../tools/build/cache.ts";
import { readExports } from "../../tools/build/pe_file.ts";
import { Log, outputOf, run } from "../../tools/build/process.ts";

/** Where the fakes' sources are. */
export const FAKES = new URL("../windows", import.meta.url).pathname;
const COMPILER = "x86_64-w64-mingw32-gcc";
/** mingw-w64's headers for drivers. */
const DDK = "/usr/x86_64-w64-mingw32/include/ddk";
const C_OPTIONS = ["-O2", "-Wall", "-Wextra", "-Werror", "-s"];
const DRIVER_OPTIONS = [
  ...["-Wno-unused-parameter", "-ffreestanding", "-shared", "-nostdlib"],
  ...["-Wl,--entry,DriverEntry", "-Wl,--subsystem,native"],
];
const DLL_LIBRARIES = ["-lws2_32", "-lole32", "-loleaut32", "-luuid"];

/** DLLs of Wine's that lack functions which the client calls. */
export const STACK_DLLS = ["cfgmgr32", "iphlpapi", "hnetcfg", "netprofm"] as const;
/** DLLs that only some tests replace. */
export const OTHER_DLLS = ["shell32", "setupapi", "newdev"] as const;
const ALL_DLLS = [...STACK_DLLS, ...OTHER_DLLS];
/** A name that is as long as that of the DLL which it hands on to, so that it fits into a file. */
export const OFFLOAD_DLL = "ws2_on";
/** A program in the place of one of Wine's. */
export const NETSH = "netsh";
/** One of the DLLs, or the program. */
export type FakeDll = typeof ALL_DLLS[number] | typeof OFFLOAD_DLL | typeof NETSH;

/** Wine takes a DLL of ours where there is one. */
export const FAKE_OVERRIDES = `${ALL_DLLS.join()},${NETSH}.exe=n,b`;

const WINE_DLLS = "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows";

/** The fakes as Windows files, compiled by mingw-w64 at first use; returns their folder. */
export async function ensureFakes(root: string): Promise<string> {
  const others = [
    ..."fake_tap.c fake_netsh.c wire.c planted.c offload.c clipboard.c fake_log.h".split(" "),
  ];
  const sources = [...others, ...ALL_DLLS.map(fakeSource)];
  const version = await outputOf([COMPILER, "--version"]) ?? "";
  const options = [...C_OPTIONS, ...DRIVER_OPTIONS, ...DLL_LIBRARIES];
  const own = await Deno.readFile(new URL(import.meta.url));
  const key = await hashOf([version, root, await hashFiles(FAKES, sources), ...options, own]);
  const folder = await cached("wine-fakes", key, async (target) => {
    const log = await Log.open("wine-fakes");
    try {
      await run(log, [
        ...[COMPILER, ...C_OPTIONS, ...DRIVER_OPTIONS, `-I${DDK}`],
        ...["-o", `${target}/fake_tap.sys`, `${FAKES}/fake_tap.c`, "-lntoskrnl"],
      ]);
      await run(log, [
        ...[
          COMPILER,
          ...C_OPTIONS,
          "-o",
          `${target}/wire.exe`,
          `${FAKES}/wire.c`,
          "-lws2_32",
          "-liphlpapi",
        ],
      ]);
      await run(log, [
        ...[COMPILER, ...C_OPTIONS, "-shared", "-static-libgcc"],
        ...["-o", `${target}/planted.dll`, `${FAKES}/planted.c`],
      ]);
      await run(log, [
        ...[COMPILER, ...C_OPTIONS, "-municode", "-static-libgcc"],
        ...["-o", `${target}/${NETSH}.exe`, `${FAKES}/fake_netsh.c`],
      ]);
      await run(log, [
        ...[COMPILER, ...C_OPTIONS, "-municode", "-static-libgcc"],
        ...["-o", `${target}/clipboard.exe`, `${FAKES}/clipboard.c`],
      ]);
      for (const name of ALL_DLLS) await buildFakeDll(log, root, name, target);
      await buildOffload(log, root, target);
    } finally {
      log.close();
    }
  });
  await prune("wine-fakes", 2);
  return folder;
}

/** Files of a fake DLL: itself, and Wine's, which it hands on to. */
export function filesOf(name: FakeDll): string[] {
  if (name === OFFLOAD_DLL) return [`${name}.dll`];
  if (name === NETSH) return [`${name}.exe`];
  return [`${name}.dll`, `${name}_wine.dll`];
}

function fakeSource(name: string): string {
  return `fake_${name}.c`;
}

/**
 * A DLL that takes the place of one of Wine's: it has functions of its own, and forwards all others
 * to Wine's, which is kept beside it under another name.
 */
async function buildFakeDll(log: Log, root: string, name: string, target: string): Promise<void> {
  const original = `${root}${WINE_DLLS}/${name}.dll`;
  const source = `${FAKES}/${fakeSource(name)}`;
  const text = await Deno.readTextFile(source);
  const own = [...text.matchAll(/ WINAPI (\w+)\(/g)].map(([, name]) => name);
  const exports = readExports(await Deno.readFile(original));
  const lines = exports.map(({ name: entry, ordinal }) => {
    if (entry === undefined) return `n${ordinal}="${name}_wine.#${ordinal}" @${ordinal} NONAME`;
    const forward = own.includes(entry) ? "" : `=${name}_wine.${entry}`;
    return `${entry}${forward} @${ordinal}`;
  });
  const names = exports.map(({ name }) => name);
  await Deno.writeTextFile(
    `${target}/${name}.def`,
    [
      ...[`LIBRARY ${name}.dll`, "EXPORTS", ...lines],
      ...own.filter((entry) => !names.includes(entry)),
      "",
    ].join("\n"),
  );
  await run(log, [
    ...[COMPILER, ...C_OPTIONS, "-shared", "-static-libgcc", "-o", `${target}/${name}.dll`],
    ...[source, `${target}/${name}.def`, ...DLL_LIBRARIES],
  ]);
  await Deno.copyFile(original, `${target}/${name}_wine.dll`);
}

/** A DLL for what is to take it in the place of ws2_32.dll, which it hands on to. */
async function buildOffload(log: Log, root: string, target: string): Promise<void> {
  const source = `${FAKES}/offload.c`;
  const text = await Deno.readTextFile(source);
  const own = [...text.matchAll(/^int WSAAPI (\w+)\(/gm)].map(([, name]) => name);
  const exports = readExports(await Deno.readFile(`${root}${WINE_DLLS}/ws2_32.dll`));
  const names = exports.flatMap(({ name }) => name ?? []);
  const lines = names.map((name) => own.includes(name) ? name : `${name}=ws2_32.${name}`);
  const definitions = `${target}/${OFFLOAD_DLL}.def`;
  await Deno.writeTextFile(
    definitions,
    [`LIBRARY ${OFFLOAD_DLL}.dll`, "EXPORTS", ...lines, ""].join("\n"),
  );
  await run(log, [
    ...[COMPILER, ...C_OPTIONS, "-shared", "-static-libgcc", "-o", `${target}/${OFFLOAD_DLL}.dll`],
    ...[source, definitions, "-lws2_32"],
  ]);
}
