/**
 * The package of the TAP-Windows6 driver: an .inf file, which says what belongs to it, and the files
 * that it names.
 *
 * @module
 */

/** What the driver's devices are called in its .inf file, the better one first. */
const HARDWARE_IDS = ["root\\tap0901", "tap0901"];

/** A larger file is no .inf file. */
const INF_BYTES_MAX = 1 << 20;

/** A driver's package. */
export interface DriverPackage {
  /** Name of the .inf file. */
  readonly inf: string;
  /** The hardware id that its device is to have. */
  readonly hardwareId: string;
  /** All its files by their names, the .inf file among them. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/**
 * The TAP driver's package among the files of a folder; undefined: it is not there. A package is
 * whole: the catalogue, which Windows checks the signature of, and the driver.
 */
export function findDriverPackage(folder: string | URL): DriverPackage | undefined {
  const names = fileNames(folder);
  for (const inf of names.filter((name) => /\.inf$/i.test(name)).sort()) {
    const bytes = read(folder, inf);
    if (bytes === undefined || bytes.length > INF_BYTES_MAX) continue;
    const text = decodeInf(bytes);
    const hardwareId = hardwareIdOf(text);
    if (hardwareId === undefined) continue;
    const wanted = names.filter((name) => isNamed(text, name) && name !== inf);
    const has = (ending: RegExp) => wanted.some((name) => ending.test(name));
    if (!has(/\.sys$/i) || !has(/\.cat$/i)) continue;
    const files = new Map<string, Uint8Array<ArrayBuffer>>([[inf, bytes]]);
    for (const name of wanted) {
      const content = read(folder, name);
      if (content !== undefined) files.set(name, content);
    }
    // Not whole: one of its files cannot be read.
    if (files.size <= wanted.length) continue;
    return { inf, hardwareId, files };
  }
  return undefined;
}

/** The hardware id of the TAP driver that an .inf file's text offers; undefined: it is not the TAP's. */
export function hardwareIdOf(inf: string): string | undefined {
  const lines = inf.split(/\r?\n/).map((line) => line.replace(/;.*$/, "").toLowerCase());
  return HARDWARE_IDS.find((id) =>
    lines.some((line) => {
      // A model: `%description% = install section, hardware id [, compatible id …]`
      const [, ...ids] = (line.split("=")[1] ?? "").split(",").map((part) => part.trim());
      return ids.includes(id);
    })
  );
}

/** An .inf file is UTF-16 with a byte order mark, or of one byte a character. */
export function decodeInf(bytes: Uint8Array): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(isUtf16 ? "utf-16le" : "windows-1252").decode(bytes);
}

function isNamed(inf: string, name: string): boolean {
  return inf.toLowerCase().includes(name.toLowerCase());
}

function fileNames(folder: string | URL): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => name);
  } catch {
    return [];
  }
}

function read(folder: string | URL, name: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(
      typeof folder === "string" ? `${folder}/${name}` : new URL(encodeURIComponent(name), folder),
    );
  } catch {
    return undefined;
  }
}
