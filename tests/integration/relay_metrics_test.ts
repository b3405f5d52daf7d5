/** What the compiled relay serves at /metrics, judged by Prometheus' own tool. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { unpackedPackage } from "../../tools/debian_package.ts";
import { findCommand } from "../../tools/process.ts";
import { DenoEndpoint } from "../support/deno_endpoint.ts";
import { BROADCAST_MAC, ethernet, pattern } from "../support/frames.ts";
import { RelayProcess } from "../support/relay_process.ts";

async function promtool(): Promise<string> {
  return await findCommand("promtool") ??
    `${await unpackedPackage("prometheus")}/usr/bin/promtool`;
}

/** What `promtool check metrics` says of a text: nothing where it is good. */
async function judge(metrics: string): Promise<string> {
  const child = new Deno.Command(await promtool(), {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(metrics));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  return code === 0 ? said : `${said}\nexit code ${code}`;
}

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
  const response = await fetch(`${url}/metrics`);
  assert(response.headers.get("content-type")?.startsWith("text/plain; version=0.0.4"));
  const metrics = await response.text();
  assertStringIncludes(metrics, 'lanparty_drops_total{reason="foreign-source"} 1\n');
  assertStringIncludes(metrics, 'lanparty_rejects_total{code="mac-in-use"} 1\n');
  assertEquals(await judge(metrics), "");
  assert(await judge(metrics.replace("# HELP lanparty_rooms ", "# HELP lanparty-rooms ")) !== "");
});
