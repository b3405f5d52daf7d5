/** Datagrams with nothing in them, whose senders need no answer: without msquic's patch 0012 each costs 4 kB. */
import { assertLess } from "@std/assert";
import { DenoEndpoint } from "../support/deno_endpoint.ts";
import { attack } from "../support/attack.ts";
import { RelayProcess } from "../support/relay_process.ts";

const DATAGRAMS = 50_000;
/** A tenth of what they would cost. */
const GROWTH_BYTES_MAX = DATAGRAMS * 400;

Deno.test(`${DATAGRAMS} empty datagrams leave nothing behind`, async () => {
  await using relay = await RelayProcess.start();
  // The relay's memory grows by itself at the beginning.
  await attack("empty_datagrams.py", relay.address.port, 2_000);
  const before = relay.residentBytes();
  await attack("empty_datagrams.py", relay.address.port, DATAGRAMS);
  // Whoever is answered now tells that all before has been received.
  await using client = await DenoEndpoint.connect(relay.address);
  await client.join({ room: "PARTY", mac: "02:00:00:00:00:0a" });
  assertLess(relay.residentBytes() - before, GROWTH_BYTES_MAX);
});
