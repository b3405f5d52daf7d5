/** The status file of a running client, which others with its state folder leave alone. */
import { assertEquals } from "@std/assert";
import {
  type ClientStatus,
  ClientStatusFile,
  readClientStatus,
} from "../../../../src/programs/client/status.ts";
import { TrafficCounters } from "../../../../src/observe/counters.ts";
import { eventually } from "../../../../tools/lab/wait.ts";
import type { ClientDiagnostics } from "../../../../src/observe/diagnostics.ts";

const DIAGNOSTICS: ClientDiagnostics = {
  verdict: { kind: "outside" },
  relay: "192.0.2.7:443",
  relayReachable: false,
  room: "PARTY",
  datagramBudget: 1_200,
  rttMs: 0,
  peers: 0,
  tap: { state: "absent", addresses: [] },
};

function status(peers = 0): ClientStatus {
  const traffic = new TrafficCounters().snapshot();
  return {
    diagnostics: { ...DIAGNOSTICS, peers },
    traffic,
    lately: { drops: traffic.drops, framesSent: traffic.framesSent, forMs: 0 },
  };
}

Deno.test("a client that was refused the state folder leaves the running one's status there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const running = new ClientStatusFile(folder);
    running.write(status());
    await eventually("the status", () => readClientStatus(folder) !== undefined);
    await new ClientStatusFile(folder).remove();
    const found = readClientStatus(folder);
    assertEquals([found?.isRunning, found?.diagnostics], [true, DIAGNOSTICS]);
    await running.remove();
    assertEquals(readClientStatus(folder), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("nothing waits for the disk; of what comes meanwhile the last is written, and then no more", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = new ClientStatusFile(folder);
    for (let peers = 0; peers <= 5; peers++) file.write(status(peers));
    // Whatever is written is written when others have had their turn.
    assertEquals([...Deno.readDirSync(folder)], []);
    await eventually("the last one", () => readClientStatus(folder)?.diagnostics.peers === 5);
    file.write(status());
    await file.remove();
    assertEquals([...Deno.readDirSync(folder)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
