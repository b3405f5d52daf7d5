import { assertEquals, assertStringIncludes } from "@std/assert";
import { gatewayUnitOf } from "../../src/cli/unit_command.ts";

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
