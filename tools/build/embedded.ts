/**
 * What `deno compile` has put into an executable: its file table is a JSON text behind its length in bytes (u64,
 * little-endian), made of `{ Dir: { n: name, e: entries } }` and `{ File: { n: name, o: [offset, bytes] } }`.
 */
import { BuildError } from "./cache.ts";

/** A file inside of an executable. */
export interface EmbeddedFile {
  /** From the sources' folder on (`cli/client.ts`), or from {@linkcode PACKAGES} on. */
  readonly path: string;
  readonly bytes: number;
}

/** The folder of the npm packages. Behind it: `NAME/VERSION/`. */
export const PACKAGES = ".deno_compile_node_modules/localhost/";

interface Entry {
  readonly Dir?: { readonly n: string; readonly e: readonly Entry[] };
  readonly File?: { readonly n: string; readonly o: readonly [number, number] };
}

const TABLE_START = new TextEncoder().encode('[{"Dir":{"n":"');
const LENGTH_BYTES = 8;

/** All files inside of an executable. @throws {BuildError} there is no file table */
export function embeddedFiles(executable: Uint8Array): EmbeddedFile[] {
  const start = indexOfBytes(executable, TABLE_START);
  if (start < LENGTH_BYTES) throw new BuildError("the executable has no table of files inside");
  const view = new DataView(executable.buffer, executable.byteOffset + start - LENGTH_BYTES);
  const length = Number(view.getBigUint64(0, true));
  const text = new TextDecoder().decode(executable.subarray(start, start + length));
  const found: EmbeddedFile[] = [];
  const walk = (entries: readonly Entry[], folder: string): void => {
    for (const { Dir, File } of entries) {
      if (Dir !== undefined) walk(Dir.e, `${folder}${Dir.n}/`);
      else if (File !== undefined) found.push({ path: folder + File.n, bytes: File.o[1] });
    }
  };
  walk(JSON.parse(text), "");
  return found;
}

/** The names of the npm packages among the files, sorted. */
export function embeddedPackages(files: readonly EmbeddedFile[]): string[] {
  const names = files.filter(({ path }) => path.startsWith(PACKAGES)).map(({ path }) => {
    return /^(@[^/]+\/)?[^/]+/.exec(path.slice(PACKAGES.length))![0];
  });
  return [...new Set(names)].sort();
}

function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
