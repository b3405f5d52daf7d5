/** Windows clients that are to join a party. */

import type { LabProcess } from "../../tools/lab/process.ts";
import { PARTY, type Party } from "../../tools/lab/party.ts";
import type { WinePc } from "./wine.ts";

/** A client may first have to undo what another one has left, and restart the adapter. */
const START_MAX_MS = 40_000;

/** What the client is told of a party, but for whom it is to trust; `options` go before. */
export async function optionsFor(
  party: Party,
  pc: WinePc,
  options: readonly string[] = [],
): Promise<string[]> {
  const relay = ["--relay", `${party.relayAddressFor(pc.namespace)}:${PARTY.relayPort}`];
  return [
    ...options,
    ...(options.includes("--relay") ? [] : relay),
    ...["--room", PARTY.room],
    ...["--room-key-file", await pc.place(party.keyFile, "party.key")],
  ];
}

/** As {@linkcode optionsFor}, with the relay's certificate pinned. */
export async function trustingOptionsFor(
  party: Party,
  pc: WinePc,
  options: readonly string[] = [],
): Promise<string[]> {
  const certificate = await pc.place(party.certificateFile, "relay.der");
  return [...await optionsFor(party, pc, options), "--relay-ca-cert", certificate];
}

/** Starts a client, which shows what it said if the test fails, and waits for a line of its. */
export async function startClient(
  party: Party,
  pc: WinePc,
  options: readonly string[],
  line = /adapter LAN party is up/,
): Promise<LabProcess> {
  const client = pc.client(...await trustingOptionsFor(party, pc, options));
  party.clients.set(pc.namespace.name, client);
  await client.waitForLine(line, START_MAX_MS);
  return client;
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
