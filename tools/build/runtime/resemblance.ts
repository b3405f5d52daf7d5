/**
 * How much of a program's code is that of another one which was linked from the same objects.
 *
 * Functions are known again by their code without addresses. Linkers keep the order of objects and of the
 * functions in them, so that programs with the same objects have long stretches of the same functions in the
 * same order. In these the comparison is exact: a function that differs, or one too many, stands out, and so
 * does a call that leads elsewhere.
 */
import type { CodeImage } from "./code_image.ts";
import { forEachReference, functionPrints, pieceBytes, piecePrints } from "./fingerprints.ts";
import { InstructionReader } from "./x86.ts";

/** What counts as a long stretch, and what lies between two of them. */
export interface Limits {
  /** The least number of functions of a long stretch. */
  readonly stretch: number;
  /** Functions between two long stretches that are judged one by one: up to so many in both programs … */
  readonly crowd: number;
  /** … or up to so many if they are as many in both. */
  readonly equalCrowd: number;
  /** Functions at both ends of a stretch whose calls are not judged. */
  readonly edge: number;
}

/** What was measured. Shares are those of the bytes of `.text`, 0 to 1. */
export interface Resemblance {
  readonly functions: number;
  /** Code that is found in the other program, wherever there. */
  readonly foundShare: number;
  /** Code in long stretches of the same functions in the same order. */
  readonly stretchShare: number;
  /** Functions between two long stretches that the other program does not have, by their addresses. */
  readonly altered: readonly number[];
  /** Calls and addresses in long stretches, and which of them lead elsewhere: where they lead to. */
  readonly references: number;
  readonly misled: readonly number[];
  /** Functions of libraries that the other program does not import. */
  readonly strangeImports: readonly string[];
}

/** A stretch: so many functions from `own` on are those of the other program from `other` on. */
interface Stretch {
  readonly own: number;
  readonly other: number;
  readonly count: number;
}

/** Compares a program with one that it is said to share objects with. */
export function compareCode(own: CodeImage, other: CodeImage, limits: Limits): Resemblance {
  const prints = functionPrints(own);
  const otherPrints = functionPrints(other);
  const known = new Set(otherPrints);
  const partners = pair(prints, otherPrints);
  const stretches = findStretches(partners).filter(({ count }) => count >= limits.stretch);
  const bytesOf = (index: number) => own.ends[index] - own.starts[index];
  let found = 0;
  for (let index = 0; index < prints.length; index++) {
    if (known.has(prints[index])) found += bytesOf(index);
  }
  const knownPieces = new Set(piecePrints(other));
  found += pieceBytes(piecePrints(own).filter((print) => knownPieces.has(print)).length);
  const inStretches = stretches.reduce((sum, { own: first, count }) => {
    for (let index = first; index < first + count; index++) sum += bytesOf(index);
    return sum;
  }, 0);
  const { references, misled } = followReferences(
    { image: own, prints },
    { image: other, prints: otherPrints },
    { stretches, partners, edge: limits.edge },
  );
  return {
    functions: prints.length,
    foundShare: found / own.size,
    stretchShare: inStretches / own.size,
    altered: findAltered(stretches, limits, (index) => !known.has(prints[index]))
      .map((index) => own.starts[index]),
    references,
    misled,
    strangeImports: [...own.imports].filter((name) => !other.imports.has(name)),
  };
}

/** Of each function the index of its partner, or −1: those that are unique, and their neighbours in turn. */
function pair(prints: readonly string[], otherPrints: readonly string[]): Int32Array {
  const unique = uniqueOnes(prints);
  const otherUnique = uniqueOnes(otherPrints);
  const partners = Int32Array.from(prints, (print) => {
    return unique.has(print) ? otherUnique.get(print) ?? -1 : -1;
  });
  for (let index = 1; index < prints.length; index++) {
    const next = partners[index - 1] + 1;
    const follows = partners[index] < 0 && next > 0 && otherPrints[next] === prints[index];
    if (follows) partners[index] = next;
  }
  for (let index = prints.length - 2; index >= 0; index--) {
    const before = partners[index + 1] - 1;
    const precedes = partners[index] < 0 && before >= 0 && otherPrints[before] === prints[index];
    if (precedes) partners[index] = before;
  }
  return partners;
}

/** The fingerprints that stand once, with their indices. */
function uniqueOnes(prints: readonly string[]): Map<string, number> {
  const first = new Map<string, number>();
  const repeated = new Set<string>();
  for (const [index, print] of prints.entries()) {
    if (first.has(print)) repeated.add(print);
    else first.set(print, index);
  }
  for (const print of repeated) first.delete(print);
  return first;
}

function findStretches(partners: Int32Array): Stretch[] {
  const stretches: Stretch[] = [];
  for (let index = 0; index < partners.length;) {
    const own = index++;
    if (partners[own] < 0) continue;
    while (index < partners.length && partners[index] === partners[index - 1] + 1) index++;
    stretches.push({ own, other: partners[own], count: index - own });
  }
  return stretches;
}

function findAltered(
  stretches: readonly Stretch[],
  { crowd, equalCrowd }: Limits,
  isStrange: (index: number) => boolean,
): number[] {
  const altered: number[] = [];
  for (let i = 1; i < stretches.length; i++) {
    const first = stretches[i - 1].own + stretches[i - 1].count;
    const count = stretches[i].own - first;
    const otherCount = stretches[i].other - stretches[i - 1].other - stretches[i - 1].count;
    if (otherCount < 0 || count > equalCrowd) continue;
    if (count !== otherCount && Math.max(count, otherCount) > crowd) continue;
    for (let index = first; index < first + count; index++) {
      if (isStrange(index)) altered.push(index);
    }
  }
  return altered;
}

interface Printed {
  readonly image: CodeImage;
  readonly prints: readonly string[];
}

/**
 * Holds each call and address in the stretches against that of the partner: one place always corresponds to
 * one place, and a function to the same function.
 */
function followReferences(
  own: Printed,
  other: Printed,
  { stretches, partners, edge }: {
    readonly stretches: readonly Stretch[];
    readonly partners: Int32Array;
    readonly edge: number;
  },
): Pick<Resemblance, "references" | "misled"> {
  const counterparts = new Map<number, number>();
  const misled: number[] = [];
  let references = 0;
  const ownCursor = new Cursor(own.image);
  const otherCursor = new Cursor(other.image);
  const printAt = ({ image, prints }: Printed, address: number) => {
    return prints[indexOf(image.starts, address)];
  };
  for (const stretch of stretches) {
    for (let step = edge; step < stretch.count - edge; step++) {
      const ours = ownCursor.references(stretch.own + step);
      const theirs = otherCursor.references(stretch.other + step);
      for (const [position, target] of ours.entries()) {
        references++;
        const counterpart = theirs[position];
        const before = counterparts.get(target);
        const partner = partners[indexOf(own.image.starts, target)] ?? -1;
        const isSame = before === undefined || before === counterpart ||
          isEqual(printAt(other, before), printAt(other, counterpart));
        const isPartner = partner < 0 || other.image.starts[partner] === counterpart ||
          isEqual(printAt(own, target), printAt(other, counterpart));
        if (!isSame || !isPartner) misled.push(target);
        else if (before === undefined) counterparts.set(target, counterpart);
      }
    }
  }
  return { references, misled };
}

function isEqual(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && a === b;
}

/** Reads where functions of one image lead to. */
class Cursor {
  readonly #image: CodeImage;
  readonly #reader: InstructionReader;
  readonly #view: DataView;

  constructor(image: CodeImage) {
    const { bytes } = image;
    this.#image = image;
    this.#reader = new InstructionReader(bytes);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  references(index: number): number[] {
    const found: number[] = [];
    forEachReference(this.#image, index, this.#reader, this.#view, (target) => found.push(target));
    return found;
  }
}

/** The index of a value in sorted ones, or −1. */
function indexOf(sorted: Uint32Array, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] === value) return middle;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
