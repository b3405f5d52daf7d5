/** Versions as npm, cargo and pip write them, compared. */

interface Parsed {
  readonly release: readonly number[];
  /** Parts of what makes it an earlier version than its release alone: `beta3`, `rc1`; empty: it is the release. */
  readonly before: readonly string[];
}

/** Python's way to write a version before its release, and one after it. */
const PYTHON_BEFORE = /^(\d+(?:\.\d+)*)\.?((?:a|b|rc|dev)\d*.*)$/;
const PYTHON_AFTER = /^(\d+(?:\.\d+)*)\.?post(\d+)$/;

function parse(version: string): Parsed {
  // What follows a plus names a build (openssl-src: the version of OpenSSL), and has no rank.
  const [text] = version.replace(/^v/, "").split("+");
  const [, base, post] = PYTHON_AFTER.exec(text) ?? [];
  if (base !== undefined) return { release: [...numbers(base), Number(post)], before: [] };
  const [, release, before] = PYTHON_BEFORE.exec(text) ?? [];
  if (release !== undefined) return { release: numbers(release), before: [before] };
  const dash = text.indexOf("-");
  if (dash < 0) return { release: numbers(text), before: [] };
  return { release: numbers(text.slice(0, dash)), before: text.slice(dash + 1).split(".") };
}

function numbers(text: string): number[] {
  return text.split(".").map((part) => Number.parseInt(part, 10) || 0);
}

/** Less than 0: `a` is the earlier one; more: the later one; 0: they rank the same (SemVer 2.0.0, section 11). */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  for (let i = 0; i < Math.max(left.release.length, right.release.length); i++) {
    const difference = (left.release[i] ?? 0) - (right.release[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.before.length === 0 || right.before.length === 0) {
    return right.before.length - left.before.length;
  }
  for (let i = 0; i < Math.max(left.before.length, right.before.length); i++) {
    const difference = compareParts(left.before[i], right.before[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Numbers rank below words, and fewer parts below more. Numbers within words count as such: beta3, beta10. */
function compareParts(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const isNumber = [a, b].map((part) => /^\d+$/.test(part));
  if (isNumber[0] !== isNumber[1]) return isNumber[0] ? -1 : 1;
  return a.localeCompare(b, "en", { numeric: true });
}
