/** Wine, for the tests of the Windows client: the one of Debian 13, in a root file system of its own. */
import { cached, hashOf, prune } from "./cache.ts";
import { Log, run } from "./process.ts";
import { step } from "./progress.ts";

/** Debian 12's Wine 8 lacks bcryptprimitives.dll, which Deno's runtime needs. */
const SUITE = "trixie";
const OPTIONS = ["--variant=minbase", "--include=wine,wine64"];

/**
 * The root file system's folder, made by debootstrap (as root) at first use. It is shared: whoever runs
 * something in it mounts it read-only in a mount namespace of its own.
 */
export async function ensureWine(): Promise<string> {
  const key = await hashOf([SUITE, ...OPTIONS, Deno.build.target]);
  const folder = await cached("wine", key, async (target) => {
    const log = await Log.open("wine");
    try {
      await step("Wine of Debian 13 for the Windows tests: debootstrap", () => {
        return run(log, ["debootstrap", ...OPTIONS, SUITE, `${target}/root`]);
      });
    } finally {
      log.close();
    }
  });
  await prune("wine", 1);
  return `${folder}/root`;
}
