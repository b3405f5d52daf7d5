/**
 * Runs the attack programs of `tests/attacks`, which say what came of it as one line of JSON.
 */

import { ATTACK_REQUIREMENTS, ensurePackages } from "../../tools/build/python_packages.ts";
import { LabProcess, ProcessError } from "../../tools/lab/process.ts";

const FOLDER = new URL("../attacks/", import.meta.url).pathname;
const ATTACK_MS_MAX = 180_000;

/** Runs a program of that folder to its end; what it has printed. */
export async function attack<Result>(
  program: string,
  ...args: readonly (string | number)[]
): Promise<Result> {
  const { python, env } = await ensurePackages(ATTACK_REQUIREMENTS);
  // Where the relay is watched by a sanitizer that is preloaded, the attacker is not.
  const own = { ...env, LD_PRELOAD: "" };
  const running = new LabProcess([python, FOLDER + program, ...args.map(String)], { env: own });
  try {
    const code = await running.waitExit(ATTACK_MS_MAX);
    if (code === 0) return JSON.parse(running.stdout);
    throw new ProcessError(`${program} ${args.join(" ")} ended with ${code}\n${running.stderr}`);
  } finally {
    await running.stop();
  }
}
