/** Links of the project's documents: where each leads, and whether something is there. */
import { finding, pathFrom, type SourceFile } from "./source.ts";

/** A document's text with its code emptied: nothing in it is a link or a heading. Lengths and lines stay. */
export function withoutCode(text: string): string {
  const blank = (code: string) => code.replaceAll(/[^\n]/g, " ");
  return text.replaceAll(/^ *(```|~~~)[^]*?^ *\1 *$/gm, blank);
}

/** The anchors that a document's headings have at the usual hosts, each once. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutCode(text).matchAll(/^#{1,6} +(.+?) *#* *$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    const base = words.toLowerCase().replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "").replaceAll(" ", "-");
    let anchor = base;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${base}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/**
 * Links of one document that lead nowhere. What begins with a scheme is somebody else's.
 *
 * @param texts all files of the repository by their paths, as links may lead to them
 */
export function findDeadLinks(file: SourceFile, texts: ReadonlyMap<string, string>): string[] {
  const text = withoutCode(file.text).replaceAll(/`[^`\n]*`/g, (code) => " ".repeat(code.length));
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(({ 1: target, index }) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path, anchor] = target.split("#");
    const place = path === "" ? file.path : pathFrom(file, path);
    const other = texts.get(place);
    const isThere = other === undefined
      ? anchor === undefined && [...texts.keys()].some((name) => name.startsWith(`${place}/`))
      : anchor === undefined || anchorsOf(other).has(anchor);
    return isThere ? [] : [finding(file, index, target)];
  });
}

/**
 * Files and folders of this repository that a document names in code, and that are not there. Lock files are not
 * among what is read.
 */
export function findLostPaths(file: SourceFile, texts: ReadonlyMap<string, string>): string[] {
  const text = withoutCode(file.text);
  return [...text.matchAll(/`((?:docs|src|tests|tools)\/[\w./-]*[\w])\/?`/g)].flatMap(
    ({ 1: path, index }) => {
      const isThere = path.endsWith(".lock") || texts.has(path) ||
        [...texts.keys()].some((name) => name.startsWith(`${path}/`));
      return isThere ? [] : [finding(file, index, path)];
    },
  );
}
