/** The levels of tests, and what each needs before its first one. */
import { build, buildWindowsClient } from "../build/build.ts";
import { ensureSource } from "../build/native_library.ts";
import {
  BARE_SYSTEM,
  BROWSER,
  C_PROGRAMS,
  FUZZING,
  MINGW,
  NAME_SERVICES,
  NATIVE_LIBRARY,
  NETWORK_MANAGERS,
  NETWORK_PLAY,
  PACKET_FILTER,
  type Prerequisite,
  PYTHON_PACKAGES,
  UDHCPC,
  UNIT_JUDGE,
  UNPACKING,
} from "../build/prerequisites.ts";
import { ATTACK_REQUIREMENTS, ensurePackages } from "../build/python_packages.ts";
import { ensureWine } from "../build/wine.ts";

/** A level of tests. */
export interface Level {
  readonly name: string;
  /** Network namespaces, packet sockets and TAP devices are for root. */
  readonly needsRoot: boolean;
  readonly prerequisites: readonly Prerequisite[];
  /** What must be made before. */
  readonly needs: readonly PreparationName[];
  /** All its files run in one process, which shares them out over the cores: they are many, short, and touch nothing. */
  readonly isPure: boolean;
  /** Whether it watches msquic with sanitizers: then it runs these files of other levels, too. */
  readonly sanitized?: readonly string[];
  /** A file (in a pure level: all of them) that takes longer hangs. */
  readonly timeoutMs: number;
}

/** What a file's tests may have in memory, in MB: several times what the largest need. */
export const MEMORY_MB_MAX = 4_096;

const MINUTE_MS = 60_000;
const PURE = { needs: [], needsRoot: false, prerequisites: [], isPure: true };
const NATIVE = { needsRoot: true, isPure: false, timeoutMs: 15 * MINUTE_MS };

/** The levels, in the order in which they begin: what fails soonest comes first. */
export const LEVELS: readonly Level[] = [
  { name: "unit", ...PURE, timeoutMs: 15 * MINUTE_MS },
  { name: "vectors", ...PURE, timeoutMs: 5 * MINUTE_MS },
  { name: "sim", ...PURE, timeoutMs: 30 * MINUTE_MS },
  { name: "fuzz", ...PURE, timeoutMs: 30 * MINUTE_MS },
  {
    name: "ffi",
    ...NATIVE,
    needs: ["programs"],
    prerequisites: [...C_PROGRAMS, ...PYTHON_PACKAGES, ...FUZZING],
  },
  {
    name: "integration",
    ...NATIVE,
    needs: ["programs"],
    prerequisites: [...NETWORK_PLAY, ...UNIT_JUDGE, ...UNPACKING],
  },
  {
    name: "attacks",
    ...NATIVE,
    needs: ["programs", "python"],
    prerequisites: [...PYTHON_PACKAGES, ...C_PROGRAMS],
  },
  {
    name: "asan",
    ...NATIVE,
    needs: ["programs", "python"],
    prerequisites: [...NETWORK_PLAY, ...PYTHON_PACKAGES, ...NATIVE_LIBRARY],
    sanitized: [
      ...["tests/attacks/path_test.ts", "tests/attacks/empty_datagram_test.ts"],
      ...["certificate", "connection", "stream"].map((name) =>
        `tests/integration/quic/${name}_test.ts`
      ),
    ],
  },
  {
    name: "e2e",
    ...NATIVE,
    needs: ["programs"],
    prerequisites: [
      ...NETWORK_PLAY,
      ...NETWORK_MANAGERS,
      ...PACKET_FILTER,
      ...NAME_SERVICES,
      ...BARE_SYSTEM,
      ...BROWSER,
    ],
  },
  {
    name: "system",
    ...NATIVE,
    needs: ["programs"],
    prerequisites: [...NETWORK_PLAY, ...BARE_SYSTEM, ...UNPACKING],
  },
  {
    name: "windows",
    ...NATIVE,
    needs: ["programs", "windows"],
    prerequisites: [...NETWORK_PLAY, ...PACKET_FILTER, ...UDHCPC, ...BARE_SYSTEM, ...MINGW],
  },
];

/** Something that is made before the tests of some levels. */
export type PreparationName = "programs" | "windows" | "python";

/** All of them, in the order in which they are made; what takes long comes early. */
export const PREPARATIONS: readonly PreparationName[] = ["programs", "windows", "python"];

/** The executables, after what the system lacks for all that comes later has been said, and installed. */
export async function preparePrograms(levels: readonly Level[]): Promise<void> {
  await build(levels.flatMap(({ prerequisites }) => prerequisites));
  // The tests compare struct layouts with the headers, and the patched source with the plain one.
  await ensureSource();
}

/** The Windows client, and the Wine that runs it. */
export async function prepareWindows(): Promise<void> {
  await buildWindowsClient();
  await ensureWine();
}

/** Python with the packages of the attackers' programs. */
export async function preparePython(): Promise<void> {
  await ensurePackages(ATTACK_REQUIREMENTS);
}
