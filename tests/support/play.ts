/**
 * End-to-end tests that play a party: each has its own, and shows what the programs said if it fails.
 */
import { Party } from "../../tools/lab/party.ts";

/** Runs a part of a test; a part that fails does not keep the next from being tried. */
export type Step = (name: string, body: () => void | Promise<void>) => Promise<void>;

/** Defines a test that plays a party of its own. */
export function partyTest(
  name: string,
  play: (party: Party, step: Step) => Promise<void>,
): void {
  Deno.test(name, async (t) => {
    await using party = await Party.open();
    let failed = false;
    try {
      await play(party, async (part, body) => {
        const passed = await t.step(part, async () => await body());
        if (!passed) failed = true;
      });
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      if (failed) console.error(party.output());
    }
  });
}
