/**
 * The user's list of default applications (`mimeapps.list`): one line of it is ours, and all others stay.
 *
 * @module
 */
const DEFAULTS = "[Default Applications]";

/** The list in which an application opens a type, in front of all others. */
export function addDefault(list: string, type: string, entry: string): string {
  const lines = removeDefault(list, type, entry).split("\n");
  const head = lines.findIndex((line) => line.trim() === DEFAULTS);
  if (head < 0) {
    const before = list.trim() === "" ? [] : [...withoutEnd(lines), ""];
    return [...before, DEFAULTS, `${type}=${entry};`, ""].join("\n");
  }
  const at = lines.findIndex((line, index) => index > head && keyOf(line) === type);
  const isInside = at >= 0 && !lines.slice(head + 1, at).some((line) => line.startsWith("["));
  if (!isInside) return lines.toSpliced(head + 1, 0, `${type}=${entry};`).join("\n");
  return lines.with(at, `${type}=${[entry, ...entriesOf(lines[at])].join(";")};`).join("\n");
}

/** The list without this application for the type, anywhere. */
export function removeDefault(list: string, type: string, entry: string): string {
  return list.split("\n").flatMap((line) => {
    if (keyOf(line) !== type || !entriesOf(line).includes(entry)) return [line];
    const others = entriesOf(line).filter((one) => one !== entry);
    return others.length === 0 ? [] : [`${type}=${others.join(";")};`];
  }).join("\n");
}

/** Whether the application is named for the type. */
export function hasDefault(list: string, type: string, entry: string): boolean {
  return list.split("\n").some((line) => keyOf(line) === type && entriesOf(line).includes(entry));
}

function keyOf(line: string): string {
  return line.split("=", 1)[0].trim();
}

function entriesOf(line: string): string[] {
  return line.slice(line.indexOf("=") + 1).split(";").map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

function withoutEnd(lines: readonly string[]): readonly string[] {
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
