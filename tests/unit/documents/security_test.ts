import { assert } from "@std/assert";

const ROOT = new URL("../../../", import.meta.url);
const TEXT = Deno.readTextFileSync(new URL("SECURITY.md", ROOT));

/** The rows of the tables that say what somebody tries, and what happens. */
const CLAIMS = TEXT.split("\n## ")
  .filter((section) => section.includes("| tries to |"))
  .flatMap((section) => section.split("\n").filter((line) => line.startsWith("| ")).slice(1));

Deno.test("each claim of SECURITY.md names what shows it, or that it is not so", () => {
  assert(CLAIMS.length > 20);
  for (const claim of CLAIMS) {
    const [, , , shownBy] = claim.split(/(?<!\\)\|/);
    const isShown = /\]\(tests\/[a-z0-9]+\/(\w+\/)*\w+_test\.ts\)/.test(shownBy);
    assert(isShown || claim.includes("**can.**"), claim);
  }
});
