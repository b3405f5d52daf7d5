/**
 * What becomes of a Windows client that is to join a party: for tests that look at its words alone.
 *
 * @module
 */

import { PARTY, type Party } from "./party.ts";
import type { WinePc } from "./wine.ts";

/** What the client is told of a party, but for whom it is to trust. */
export async function optionsFor(party: Party, pc: WinePc): Promise<string[]> {
  return [
    ...["--relay", `${PARTY.relayAddressForPlayer}:${PARTY.relayPort}`, "--room", PARTY.room],
    ...["--room-key-file", await pc.place(party.keyFile, "party.key")],
  ];
}

/** Starts a client and waits for its end, or for a line that it joined: what it said. */
export async function sayOf(pc: WinePc, options: readonly string[]): Promise<string> {
  const client = pc.client(...options);
  const joined = client.waitForLine(/Joined the room/, 40_000).catch(() => {});
  await Promise.race([joined, client.exited]);
  client.kill("SIGINT");
  const code = await client.waitExit(20_000);
  return `${client.stderr}${client.stdout}exit code ${code}`;
}
