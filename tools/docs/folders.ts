/** The table of rooms in ARCHITECTURE.md. */
import { type FolderRule, FOLDERS } from "../house/folders.ts";

const BEGIN = "<!-- folders: made by deno task docs -->\n";
const END = "<!-- end of folders -->\n";

/** The document with the table as it should be. @throws {Error} it has no place for one */
export function withFolderTable(document: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error("there is no place for the table of folders");
  return document.slice(0, begin + BEGIN.length) + folderTable() + document.slice(end);
}

function folderTable(): string {
  const rows = Object.entries(FOLDERS).map(([folder, rule]) =>
    `| \`src/${folder}\` | ${kindOf(rule)} | ${rule.what} | ${importsOf(rule)} |`
  );
  return ["| folder | | what it is | may import |", "|---|---|---|---|", ...rows, ""].join("\n");
}

function kindOf({ pure, native }: FolderRule): string {
  return pure ? "pure" : native ? "native" : "";
}

function importsOf({ folders, packages = [] }: FolderRule): string {
  const names = [...folders, ...packages.map((name) => `\`${name}\``)];
  return names.length === 0 ? "–" : names.join(", ");
}
