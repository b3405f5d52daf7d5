import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { GATEWAY_PROGRAM } from "../../../src/cli/gateway_options.ts";
import { OptionValues } from "../../../src/cli/options.ts";
import { UserError } from "../../../src/log/user_error.ts";
import { gatewayUnitOf } from "../../../src/cli/gateway_unit.ts";
import type { UnitText } from "../../../src/cli/unit_command.ts";

/** The unit for a command line that was given in a folder. */
function unitOf(
  executable: string,
  args: readonly string[],
  folder: string,
  values: OptionValues = new OptionValues(),
): UnitText {
  return gatewayUnitOf({ executable, args, folder, values });
}

Deno.test("the gateway's unit starts it with its options, paths made absolute, and two capabilities", () => {
  const args = ["--interface", "br0", "--gateway-key-file", "party.key", "--name", "50% Ann"];
  const { text, notes } = unitOf("/usr/local/bin/lanparty-gateway", args, "/etc/lanparty");
  assertStringIncludes(
    text,
    'ExecStart=/usr/local/bin/lanparty-gateway --interface br0 --name "50%% Ann"\n' +
      "LoadCredential=gateway-key:/etc/lanparty/party.key\n",
  );
  assertStringIncludes(text, "\nMemoryMax=512M\nTasksMax=64\n");
  for (const list of ["AmbientCapabilities", "CapabilityBoundingSet"]) {
    assertStringIncludes(text, `\n${list}=CAP_NET_RAW CAP_NET_ADMIN\n`);
  }
  assertEquals(notes, []);
  assertEquals(unitOf("/home/ann/lanparty-gateway", [], "/").notes.length, 1);
});

Deno.test("what may hold a key is root's: systemd hands it to the gateway, from wherever it lies", () => {
  const lines = (args: readonly string[], config: Record<string, string[]> = {}) => {
    const values = OptionValues.fromRecord(GATEWAY_PROGRAM, config);
    const { text, notes } = unitOf("/bin/g", args, "/home/ann", values);
    assertEquals(notes, []);
    return text.split("\n").filter((line) => /^(ExecStart|LoadCredential)=/.test(line));
  };
  assertEquals(lines(["--gateway-key-file=50%.key", "--config", "g.toml"]), [
    "ExecStart=/bin/g",
    "LoadCredential=gateway-key:/home/ann/50%%.key",
    "LoadCredential=config:/home/ann/g.toml",
  ]);
  // A file that only the configuration file names: what is relative there would be so to `/`.
  const config = { "config": ["g.toml"], "gateway-key-file": ["etc/k"], "relay": ["r"] };
  assertEquals(lines(["--config", "g.toml"], config), [
    "ExecStart=/bin/g",
    "LoadCredential=config:/home/ann/g.toml",
    "LoadCredential=gateway-key:/etc/k",
  ]);
});

Deno.test("a key on unit's command line is refused, since everybody can read units", () => {
  for (const args of [["--gateway-key", "AAAA"], ["--gateway-key=AAAA"]]) {
    const error = assertThrows(() => unitOf("/bin/g", args, "/"), UserError);
    assert(error.usage);
    assertEquals(
      error.message,
      "--gateway-key: everybody on this machine can read a unit. Put the key into a file of root's " +
        "(chmod 600), and give --gateway-key-file FILE: the unit then has systemd hand it to the " +
        "service (LoadCredential=gateway-key:FILE)",
    );
  }
});

Deno.test("a file in the gateway's own state folder is read there, and one in the relay's is handed over", () => {
  const textOf = (path: string) => unitOf("/bin/g", ["--gateway-key-file", path], "/").text;
  const own = "/var/lib/lanparty-gateway/party.key";
  assertStringIncludes(textOf(own), `ExecStart=/bin/g --gateway-key-file ${own}\n`);
  const other = "/var/lib/lanparty-relay/party.key";
  assertStringIncludes(textOf(other), `LoadCredential=gateway-key:${other}\n`);
});
