/**
 * The audit's table: each part, its version and the newest one, and what is known against it.
 */
import type { Advisory, Answer } from "./answers.ts";
import type { Part, Source } from "./parts.ts";
import { compareVersions } from "./versions.ts";

/** A part and what was answered about it. */
export interface AuditedPart extends Part {
  readonly newest: Answer<string>;
}

/** All that was answered. */
export interface Audit {
  readonly parts: readonly AuditedPart[];
  readonly advisories: Readonly<Record<Source, Answer<readonly Advisory[]>>>;
}

/** Whether a newer release is known. */
export function isOutdated({ version, newest }: AuditedPart): boolean {
  return newest.ok && compareVersions(version, newest.value) < 0;
}

/** The table as lines, and behind it the advisories, and what could not be asked. */
export function formatAudit({ parts, advisories }: Audit): string[] {
  const rows = parts.map((part) => {
    const { name, source, version, newest, remark = "" } = part;
    const mark = isOutdated(part) ? "newer" : "";
    return [name, source, version, newest.ok ? newest.value : "?", mark, remark];
  });
  const table = columns([["part", "by", "ours", "newest", "", ""], ...rows]);
  const lines = Object.entries(advisories).flatMap(([source, answer]) => {
    if (!answer.ok) return [`advisories by ${source}: not known (${answer.why})`];
    if (answer.value.length === 0) return [`advisories by ${source}: none`];
    return answer.value.map(({ name, severity, title, url }) => {
      return `advisory by ${source}: ${name}: ${title} (${severity}) ${url}`.trimEnd();
    });
  });
  return [...table, "", ...lines, ...unanswered(parts), summary({ parts, advisories })];
}

/** Why it is not known what is newest: for a source that said nothing once, else for each part. */
function unanswered(parts: readonly AuditedPart[]): string[] {
  const silent = new Set<Source>();
  return parts.flatMap(({ source, name, newest }) => {
    if (newest.ok || silent.has(source)) return [];
    const isOne = parts.some((part) => part.source === source && part.newest.ok);
    if (!isOne) silent.add(source);
    return [`newest by ${source}: not known${isOne ? ` for ${name}` : ""} (${newest.why})`];
  });
}

function summary({ parts, advisories }: Audit): string {
  const newer = parts.filter(isOutdated).length;
  const unknown = parts.filter(({ newest }) => !newest.ok).length;
  const answered = Object.values(advisories).filter(({ ok }) => ok);
  const known = answered.flatMap((answer) => answer.ok ? answer.value : []).length;
  const silent = Object.keys(advisories).length - answered.length;
  return `audit: ${newer} of ${parts.length} parts have a newer release` +
    (unknown > 0 ? `, of ${unknown} that is not known` : "") +
    (answered.length > 0
      ? `; ${known} advisories`
      : "; whether there are advisories is not known") +
    (answered.length > 0 && silent > 0 ? `, and ${silent} of the sources did not answer` : "");
}

/** Cells in columns, as wide as their widest. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd());
}
