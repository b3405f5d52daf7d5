/**
 * A DLL as somebody else would build it: ours, with the names of all but some exports taken away.
 */
import { locateExports, readExports } from "../../tools/build/pe_file.ts";

/** The file with these names alone. */
export function withExports(
  file: Uint8Array<ArrayBuffer>,
  wanted: readonly string[],
): Uint8Array<ArrayBuffer> {
  const bytes = file.slice();
  const view = new DataView(bytes.buffer);
  const tables = locateExports(bytes);
  if (tables === undefined) throw new Error("the DLL exports nothing");
  const { base, nameCount, nameCountOffset, names, ordinals } = tables;
  const nameOf = new Map(readExports(bytes).map(({ ordinal, name }) => [ordinal - base, name]));
  let kept = 0;
  for (let i = 0; i < nameCount; i++) {
    const index = view.getUint16(ordinals + i * 2, true);
    if (!wanted.includes(nameOf.get(index) ?? "")) continue;
    view.setUint32(names + kept * 4, view.getUint32(names + i * 4, true), true);
    view.setUint16(ordinals + kept * 2, index, true);
    kept++;
  }
  view.setUint32(nameCountOffset, kept, true);
  return bytes;
}
