/**
 * Whether a compile runtime out of somebody else's package is what it is said to be: its hash, and its code
 * held against that of Deno's own program of the same version. docs/TRUST.md says what this proves, and what
 * not.
 */
import { createHash } from "node:crypto";
import { BuildError } from "../cache.ts";
import { readCodeImage } from "./code_image.ts";
import { compareCode, type Limits, type Resemblance } from "./resemblance.ts";

/**
 * Both programs hold V8 and other libraries as one stretch of 52,000 (Windows) and 66,000 functions (Linux). Where
 * stretches are shorter the compiler has optimized across objects, and differently for each program.
 */
export const LIMITS: Limits = { stretch: 2048, crowd: 64, equalCrowd: 4096, edge: 64 };

/**
 * The least share of code that must be found in Deno's program. Measured: 0.936 (Linux) and 0.919 (Windows)
 * for the runtime of 2.6.8, 0.879 for that of 2.6.10 against Deno 2.6.8.
 */
export const FOUND_SHARE_MIN = 0.9;

/** The least share of code in long stretches. Measured: 0.491 and 0.490; half of that with one change amid. */
export const STRETCH_SHARE_MIN = 0.45;

/** Places named in an error. */
const NAMED_MAX = 3;

/** A file's SHA-256 in hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What speaks against a runtime, as sentences; none: nothing does. */
export function objections(measured: Resemblance): string[] {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const places = (found: readonly number[]) => {
    const named = found.slice(0, NAMED_MAX).map((address) => `0x${address.toString(16)}`);
    return `${named.join(" ")}${found.length > NAMED_MAX ? " …" : ""}`;
  };
  const { altered, misled, strangeImports, foundShare, stretchShare } = measured;
  const found: string[] = [];
  if (altered.length > 0) {
    found.push(
      `${altered.length} functions among those of V8 and other libraries differ: ${
        places(altered)
      }`,
    );
  }
  if (misled.length > 0) {
    found.push(`${misled.length} calls in them lead elsewhere: to ${places(misled)}`);
  }
  if (strangeImports.length > 0) {
    found.push(`it imports what Deno does not: ${strangeImports.slice(0, NAMED_MAX).join(" ")}`);
  }
  if (foundShare < FOUND_SHARE_MIN) {
    found.push(`${percent(foundShare)} of its code is Deno's, and not ${percent(FOUND_SHARE_MIN)}`);
  }
  if (stretchShare < STRETCH_SHARE_MIN) {
    found.push(
      `${percent(stretchShare)} of its code is Deno's in the same order, and not ` +
        percent(STRETCH_SHARE_MIN),
    );
  }
  return found;
}

/**
 * Compares a runtime with Deno's program of that version.
 *
 * @throws {BuildError} it is not what it is said to be
 */
export function verifyRuntime(
  runtime: Uint8Array,
  deno: Uint8Array,
  version: string,
): Resemblance {
  if (indexOfText(runtime, `Deno/${version}`) < 0) {
    throw new BuildError(`the package's runtime is not of Deno ${version}`);
  }
  const measured = compareCode(readCodeImage(runtime), readCodeImage(deno), LIMITS);
  const against = objections(measured);
  if (against.length === 0) return measured;
  throw new BuildError(`the package's runtime is not Deno's: ${against.join("; ")}`);
}

function indexOfText(bytes: Uint8Array, text: string): number {
  const wanted = new TextEncoder().encode(text);
  for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
