/** What the compiled relay serves at /metrics, judged by Prometheus' own tool. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DenoEndpoint } from "../../support/deno_endpoint.ts";
import { BROADCAST_MAC, ethernet, pattern } from "../../../tools/lab/frames.ts";
import { judgeMetrics } from "../../support/promtool.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { eventually } from "../../../tools/lab/wait.ts";

Deno.test("promtool finds nothing to say of the metrics of a relay at work", async () => {
  await using relay = await RelayProcess.start({ options: ["--status", "0"] });
  const url = await relay.statusUrl();
  await using gateway = await DenoEndpoint.connect(relay.address);
  await gateway.join({ room: "PARTY" });
  await using client = await DenoEndpoint.connect(relay.address);
  const mac = "02:00:00:00:00:0a";
  await client.join({ room: "PARTY", mac, name: 'Ann "\\" \n' });
  await using stranger = await DenoEndpoint.connect(relay.address);
  assertEquals((await stranger.hello({ room: "PARTY", mac }))["code"], "mac-in-use");
  for (const source of [mac, "02:00:00:00:00:99"]) {
    const payload = pattern(100);
    const frame = ethernet({ destination: BROADCAST_MAC, source, type: 0x88b6, payload });
    await client.sendFrame(frame);
  }
  await gateway.frame();
  // The stranger's frame came behind that one.
  await eventually("the drop is counted", async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text.includes('lanparty_drops_total{reason="foreign-source"} 1\n');
  });
  const response = await fetch(`${url}/metrics`);
  assert(response.headers.get("content-type")?.startsWith("text/plain; version=0.0.4"));
  const metrics = await response.text();
  assertStringIncludes(metrics, 'lanparty_drops_total{reason="foreign-source"} 1\n');
  assertStringIncludes(metrics, 'lanparty_rejects_total{code="mac-in-use"} 1\n');
  assertEquals(await judgeMetrics(metrics), "");
  assert(
    await judgeMetrics(metrics.replace("# HELP lanparty_rooms ", "# HELP lanparty-rooms ")) !== "",
  );
});
