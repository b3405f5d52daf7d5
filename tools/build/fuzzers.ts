/**
 * Fuzzers of msquic's decoders and of our patches: C programs of `tests/ffi/fuzz`, each with files of msquic's
 * source, compiled by clang with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, msquic's debug
 * assertions on.
 */
import { cached, hashFiles, hashOf, listFiles, prune } from "./cache.ts";
import { ensureSource, sourceKey } from "./native_library.ts";
import { Log, run } from "./process.ts";

const FOLDER = new URL("../../tests/ffi/fuzz/", import.meta.url).pathname;

/** A change of msquic's source that a fuzzer must find out. */
export interface PlantedFault {
  /** A file of msquic's `src`. */
  readonly file: string;
  /** What stands there once, and what is put in its place. */
  readonly from: string;
  readonly to: string;
}

/** One fuzzer. */
export interface Fuzzer {
  readonly name: string;
  /** Files of msquic's `src/core` that it runs. */
  readonly core: readonly string[];
  /** How many inputs a test tries. */
  readonly runs: number;
  readonly fault: PlantedFault;
  /** Another one, where it does two things. */
  readonly secondFault?: PlantedFault;
}

/** All fuzzers, by the names of their programs. */
export const FUZZERS: readonly Fuzzer[] = [
  {
    name: "frames",
    core: ["frame.c", "range.c"],
    runs: 200_000,
    fault: {
      file: "core/frame.c",
      from: "if (Frame->Length < 1 || Frame->Length > QUIC_MAX_CONNECTION_ID_LENGTH_V1 ||",
      to: "if (Frame->Length < 1 ||",
    },
  },
  {
    name: "transport_parameters",
    core: ["crypto_tls.c"],
    runs: 200_000,
    fault: {
      file: "core/crypto_tls.c",
      from: "if (TransportParams->AckDelayExponent > QUIC_TP_ACK_DELAY_EXPONENT_MAX) {",
      to: "if (TransportParams->AckDelayExponent > 63) {",
    },
  },
  {
    name: "client_hello",
    core: ["crypto_tls.c"],
    runs: 200_000,
    fault: {
      file: "core/crypto_tls.c",
      from: "if (BufferLength < TLS_MESSAGE_HEADER_LENGTH + MessageLength) {",
      to: "if (BufferLength + 1 < TLS_MESSAGE_HEADER_LENGTH + MessageLength) {",
    },
  },
  {
    name: "packets",
    core: ["packet.c", "version_neg.c"],
    runs: 200_000,
    fault: {
      file: "core/packet.c",
      from: "if ((uint64_t)Packet->AvailBufferLength < Offset + LengthVarInt) {",
      to: "if ((uint64_t)Packet->AvailBufferLength + 9 < Offset + LengthVarInt) {",
    },
  },
  {
    name: "recv_buffer",
    core: ["recv_buffer.c", "range.c"],
    runs: 50_000,
    fault: {
      file: "core/recv_buffer.c",
      from:
        "RecvBuffer->ReadStart = (RecvBuffer->ReadStart + DrainLength) % FirstChunk->AllocLength;",
      to: "RecvBuffer->ReadStart = (RecvBuffer->ReadStart + DrainLength) & 255;",
    },
    secondFault: {
      file: "core/recv_buffer.c",
      from: "Offset = CXPLAT_MAX(Offset, Known->Low + Known->Count);",
      to: "Offset = CXPLAT_MAX(Offset, Known->Low + Known->Count - 1);",
    },
  },
  {
    name: "timers",
    core: ["timer_wheel.c"],
    runs: 20_000,
    fault: {
      file: "core/timer_wheel.c",
      from: "if (Index != TimerWheel->ConnectionCount) {",
      to: "if (Index + 1 != TimerWheel->ConnectionCount) {",
    },
  },
  {
    name: "datagrams",
    core: ["datagram.c", "frame.c", "range.c"],
    runs: 20_000,
    fault: {
      file: "core/datagram.c",
      from: "Frame.Length <= Log->SlotBytes - Log->HeadroomBytes",
      to: "Frame.Length <= Log->SlotBytes",
    },
  },
  {
    name: "batches",
    core: [],
    runs: 20_000,
    fault: {
      file: "platform/datapath_epoll.c",
      from: "Lengths[RunCount - 1] == SegmentSize &&",
      to: "",
    },
  },
];

const COMPILE_OPTIONS: readonly string[] = [
  ...["-O1", "-g", "-w", "-fms-extensions", "-ffunction-sections", "-fdata-sections"],
  // msquic hands memcpy no bytes of nowhere.
  ...["-fsanitize=fuzzer,address,undefined", "-fno-sanitize=nonnull-attribute"],
  "-fno-sanitize-recover=undefined",
  // What a fuzzer does not reach may want functions that are not there: calling one ends it.
  ...["-no-pie", "-Wl,--gc-sections", "-Wl,--unresolved-symbols=ignore-all"],
  ...["-D_GNU_SOURCE", "-DCX_PLATFORM_LINUX", "-DDEBUG=1", "-DDISABLE_CXPLAT_POOL"],
  ...["-DQUIC_BUILD_STATIC", "-DQUIC_EVENTS_STUB", "-DQUIC_LOGS_STUB"],
  ...["-DVER_BUILD_ID=0", "-DVER_SUFFIX=-test"],
];

/** The folder of a fuzzer's inputs that are known to reach something. */
export function corpusFolder({ name }: Fuzzer): string {
  return `${FOLDER}corpus/${name}`;
}

/** The compiled fuzzer, with a fault planted or without. */
export async function ensureFuzzer(fuzzer: Fuzzer, fault?: PlantedFault): Promise<string> {
  const files = (await listFiles(FOLDER)).filter((path) => /^[^/]*\.[ch]$/.test(path));
  const key = await hashOf([
    await sourceKey(),
    await hashFiles(FOLDER, files),
    ...COMPILE_OPTIONS,
    JSON.stringify([fuzzer.name, fuzzer.core, fault ?? ""]),
  ]);
  const folder = await cached("fuzzer", key, (target) => compile(fuzzer, fault, target));
  await prune("fuzzer", 3 * FUZZERS.length);
  return `${folder}/fuzzer`;
}

async function compile(
  { name, core }: Fuzzer,
  fault: PlantedFault | undefined,
  target: string,
): Promise<void> {
  const msquic = await ensureSource();
  const log = await Log.open(`fuzzer-${name}`);
  const source = `${target}/src`;
  try {
    await run(log, ["cp", "-r", `${msquic}/src`, source]);
    if (fault !== undefined) await plant(fault, source);
    await run(log, [
      ...["clang", ...COMPILE_OPTIONS],
      ...["core", "platform", "inc", "generated/linux"].map((folder) => `-I${source}/${folder}`),
      ...[`${FOLDER}${name}.c`, ...core.map((file) => `${source}/core/${file}`)],
      ...["-o", `${target}/fuzzer`],
    ]);
    await Deno.remove(source, { recursive: true });
  } finally {
    log.close();
  }
}

async function plant({ file, from, to }: PlantedFault, source: string): Promise<void> {
  const text = await Deno.readTextFile(`${source}/${file}`);
  if (text.split(from).length !== 2) throw new Error(`${file} has not once: ${from}`);
  await Deno.writeTextFile(`${source}/${file}`, text.replace(from, () => to));
}
