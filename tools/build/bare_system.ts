/** A bare Debian 12: its smallest root file system, without Deno and without any library of ours. */
import { cached, hashOf, prune } from "./cache.ts";
import { Log, run } from "./process.ts";
import { step } from "./progress.ts";

const SUITE = "bookworm";
const VARIANT = "minbase";

/** A root file system is made anew each month, so that it follows its distribution. */
async function key(): Promise<string> {
  const month = new Date().toISOString().slice(0, 7);
  return await hashOf([SUITE, VARIANT, Deno.build.target, month]);
}

/**
 * The root file system's folder, made by debootstrap (as root) at first use. It is shared: whoever runs
 * something in it mounts it read-only in a mount namespace of its own.
 */
export async function ensureBareSystem(): Promise<string> {
  const month = await key();
  const folder = await cached("bare-system", month, async (target) => {
    const log = await Log.open("debootstrap");
    try {
      await step("a bare Debian 12 for the tests: debootstrap", () => {
        return run(log, ["debootstrap", `--variant=${VARIANT}`, SUITE, `${target}/root`]);
      });
    } finally {
      log.close();
    }
  });
  await prune("bare-system", 1);
  return `${folder}/root`;
}
