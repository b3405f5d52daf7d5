import { assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { gatewayUnitOf } from "../../src/cli/unit_command.ts";
import { formatGatewayUnit } from "../../src/shell/gateway_unit.ts";

/** What systemd's analysis may say at most: an exposure of 0 … 10. CAP_NET_ADMIN counts much. */
const EXPOSURE_MAX = 2.5;

Deno.test("the gateway's unit starts it with its options, paths made absolute, and two capabilities", () => {
  const args = ["--interface", "br0", "--gateway-key-file", "party.key", "--name", "50% Ann"];
  const { text, notes } = gatewayUnitOf("/usr/local/bin/lanparty-gateway", args, "/etc/lanparty");
  assertStringIncludes(
    text,
    "ExecStart=/usr/local/bin/lanparty-gateway --interface br0 --gateway-key-file " +
      '/etc/lanparty/party.key --name "50%% Ann"\n',
  );
  for (const list of ["AmbientCapabilities", "CapabilityBoundingSet"]) {
    assertStringIncludes(text, `\n${list}=CAP_NET_RAW CAP_NET_ADMIN\n`);
  }
  assertEquals(notes, []);
  assertEquals(gatewayUnitOf("/home/ann/lanparty-gateway", [], "/").notes.length, 1);
});

Deno.test("systemd finds nothing wrong with the gateway's unit", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-unit-" });
  try {
    const file = `${folder}/lanparty-gateway.service`;
    await Deno.writeTextFile(file, formatGatewayUnit("/bin/true", ["--interface", "eth0"]));
    const analyze = (...args: string[]) =>
      new Deno.Command("systemd-analyze", { args: [...args, file] }).output();
    let verified: Deno.CommandOutput;
    try {
      verified = await analyze("verify");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return console.log("skipped: systemd is not installed here");
    }
    const decoder = new TextDecoder();
    assertEquals([verified.code, decoder.decode(verified.stderr)], [0, ""]);
    const rated = await analyze("security", "--offline=true", "--no-pager");
    const exposure = /exposure level[^:]*: ([\d.]+)/.exec(decoder.decode(rated.stdout))?.[1];
    assertLessOrEqual(Number(exposure), EXPOSURE_MAX);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
