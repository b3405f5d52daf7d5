/**
 * What a gateway shows of itself: over HTTP, to the relay, and in a terminal.
 *
 * ```text
 *   lan             gateway                    relay            alice
 *  ┌────────┐      ┌────────────────────┐     ┌──────────┐     ┌──────────────┐
 *  │  eth0 ─┼──────┼ lan0          wan0 ┼─────┼ gw0  pl0 ┼─────┼ wan0         │
 *  │        │      │ 127.0.0.1:9466     │     │ :9465    │     │    lanparty0 │
 *  └────────┘      └────────────────────┘     └──────────┘     └──────────────┘
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fetchFrom } from "../../support/fetch_from.ts";
import { PARTY } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { inTerminal } from "../../support/terminal.ts";
import { judgeMetrics } from "../../support/promtool.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const LAN_ADDRESS = "10.77.0.1";

partyTest("status: as JSON, as metrics, and in the relay's", async (party, step) => {
  await party.startRelay("--status", "9465");
  await party.startGateway("--status", "9466");
  const alice = await party.addPlayer("alice");
  await party.startClient(alice, "--address", "10.77.0.50/24");
  await alice.run(["ping", "-c", "5", "-i", "0.2", "-W", "2", LAN_ADDRESS]);
  await step("a port alone is this machine's only", async () => {
    const { stdout } = await party.gateway.run(["ss", "-Hltn", "sport = :9466"]);
    assertMatch(stdout, /127\.0\.0\.1:9466/);
    assertEquals(stdout.trim().split("\n").length, 1);
  });
  await step("JSON", async () => {
    const view = JSON.parse(await fetchFrom(party.gateway, "http://127.0.0.1:9466/api/gateway"));
    assertEquals([view.joined, view.room, view.lan.name, view.lan.state], [
      ...[true, PARTY.room, PARTY.gatewayInterface, "up"],
    ]);
    assertEquals(view.players.map(({ name }: { name: string }) => name), ["alice"]);
    assert(view.traffic.framesSent >= 5 && view.traffic.framesReceived >= 5);
    assert(view.rttMs > 0);
    assertEquals(Object.keys(view.rates), ["toRoom", "toLan"]);
    assert(view.lan.counters.framesReceived >= 5 && view.lan.counters.kernelDrops >= 0);
  });
  await step("Prometheus", async () => {
    const text = await fetchFrom(party.gateway, "http://127.0.0.1:9466/metrics");
    assertMatch(text, /^lanparty_players 1$/m);
    assertMatch(text, /^lanparty_forwarding 1$/m);
    assertEquals(await judgeMetrics(text), "");
    assertEquals((await fetchFrom(party.gateway, "http://127.0.0.1:9466/healthz")).trim(), "ok");
  });
  await step("the relay has the gateway's own figures", async () => {
    await eventually("the stats are there", async () => {
      const { rooms } = JSON.parse(await fetchFrom(party.relay, "http://127.0.0.1:9465/api/rooms"));
      const gateway = rooms[0].peers.find(({ role }: { role: string }) => role === "gateway");
      return gateway.stats?.framesSent >= 5;
    }, 15_000);
  });
});

partyTest("status: a line in a terminal, which harms no line of the log", async (party, step) => {
  await party.startRelay();
  const log = `${party.folder}/terminal`;
  Deno.writeTextFileSync(log, "");
  // A terminal of its own, 100 columns wide, whose output goes to a file.
  const command = ["env", "TERM=xterm", ...party.gatewayCommand()];
  const terminal = party.gateway.spawn(inTerminal(command, { before: "stty cols 100", log }));
  const shown = () => Deno.readTextFileSync(log);
  await eventually("the gateway joins", () => /Joined the room/.test(shown()));
  const alice = await party.addPlayer("alice");
  const client = await party.startClient(alice, "--address", "10.77.0.50/24");
  await eventually("a line with a player", () => /PARTY: 1 player \|/.test(shown()));
  await client.stop();
  await eventually("alice has left", () => /alice .* has left/.test(shown()));
  await pause(1_200);
  const pids = await party.gateway.processIds();
  for (const pid of pids) {
    const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
    if (words[0].endsWith("/lanparty-gateway")) Deno.kill(pid, "SIGTERM");
  }
  await terminal.waitExit();
  const text = shown();
  await step("the line comes again and again, in its place, and fits", () => {
    const lines = text.split("\x1b[K").slice(1).map((part) => part.split("\r")[0])
      .filter((part) => part.startsWith(`${PARTY.room}: `));
    assert(lines.length >= 2, text);
    for (const line of lines) {
      assert(line.length < 100 && !line.includes("\n"), line);
      assertMatch(line, /^LANPARTY: \d players? \| .*to room \d+\/s/);
    }
  });
  await step("each line of the log stands alone", () => {
    // What a terminal shows in the end: of each line what follows its last return.
    const visible = text.split(/\r?\n/).map((line) => line.split("\r\x1b[K").pop()!);
    const joined = visible.find((line) => line.includes("Joined the room"));
    assertMatch(joined!, /^\d\d:\d\d:\d\d Joined the room LANPARTY .*\.$/);
    assert(visible.some((line) => /^\d\d:\d\d:\d\d alice .* has left\.$/.test(line)), text);
  });
  await step("nothing of it is left at the end", () => {
    assert(!text.split("\r\x1b[K").pop()!.includes("player"), text.slice(-300));
  });
});
