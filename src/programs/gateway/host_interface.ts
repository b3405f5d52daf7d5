/**
 * Which interface is the LAN's, where the host has not said it: the only one that is fit, or the one that is chosen.
 *
 * @module
 */
import { type JudgedInterface, judgeInterface, kindOf, remarksOn } from "./interfaces.ts";

/** An interface that may be the LAN's, for people to choose by. */
export interface LanCandidate {
  readonly name: string;
  /** Its name, its kind, and what is to be said of it. */
  readonly text: string;
}

/** What follows from a machine's interfaces. */
export type LanChoice =
  /** There is no doubt. */
  | { readonly kind: "plain"; readonly name: string }
  /** There are several, or none without a flaw: best first. */
  | { readonly kind: "several"; readonly candidates: readonly LanCandidate[] }
  | { readonly kind: "none" };

/** Chooses by {@linkcode judgeInterface}: the one interface without a flaw, if there is one alone. */
export function chooseLan(interfaces: readonly JudgedInterface[]): LanChoice {
  const judged = interfaces.map((info) => ({ info, fitness: judgeInterface(info).fitness }));
  const good = judged.filter(({ fitness }) => fitness === "good").map(({ info }) => info);
  if (good.length === 1) return { kind: "plain", name: good[0].name };
  const limited = judged.filter(({ fitness }) => fitness === "limited").map(({ info }) => info);
  const candidates = [...good, ...limited].map((info) => ({
    name: info.name,
    text: [`${info.name} (${kindOf(info)})`, ...remarksOn(info)].join("; "),
  }));
  return candidates.length === 0 ? { kind: "none" } : { kind: "several", candidates };
}

/** The question, a line for each choice. */
export function lanQuestion(candidates: readonly LanCandidate[]): string {
  return [
    "Which of these leads to the party's LAN, that is to its switch?",
    ...candidates.map(({ text }, at) => `  ${at + 1}: ${text}`),
  ].join("\n");
}

/** The interface that an answer means, by its number or its name; undefined: none of these. */
export function lanAnswer(
  candidates: readonly LanCandidate[],
  answer: string,
): string | undefined {
  const at = /^[0-9]{1,4}$/.test(answer) ? Number(answer) - 1 : -1;
  return candidates.find(({ name }, index) => index === at || name === answer)?.name;
}

/** What is said where nobody can be asked: one clause. */
export function lanUnclear(candidates: readonly LanCandidate[]): string {
  const names = candidates.map(({ name }) => name).join(" or ");
  return `which interface leads to the party's LAN? Give --interface ${names} ` +
    "(lanparty-gateway interfaces says more of each)";
}

/** What is said where there is nothing to choose from: one clause. */
export const NO_LAN =
  "no interface of this machine can be bridged: plug in a network card, with a cable to the " +
  "party's switch (lanparty-gateway interfaces says why others cannot)";
