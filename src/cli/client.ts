/** The executable `lanparty-client`. */
import { formatMac, parseMac } from "../proto/mac.ts";
import { runClient } from "../shell/client_program.ts";
import { runProgram } from "./main.ts";
import type { OptionValues } from "./options.ts";
import { CLIENT_PROGRAM } from "./programs.ts";
import { keyOf, relayAccess } from "./relay_access.ts";

if (import.meta.main) {
  await runProgram(CLIENT_PROGRAM, Deno.args, (values) =>
    runClient({
      ...relayAccess(CLIENT_PROGRAM, values),
      roomKey: keyOf("room-key", values),
      virtualMac: canonicalMac(values),
      tapName: values.text("tap-name"),
      address: values.text("address"),
      useDhcp: !values.flag("no-dhcp"),
      allowLanDefaultRoute: values.flag("allow-lan-default-route"),
      stateDir: values.text("state-dir"),
      frameLogFile: values.text("frame-log"),
    }));
}

function canonicalMac(values: OptionValues): string | undefined {
  const text = values.text("virtual-mac");
  return text === undefined ? undefined : formatMac(parseMac(text)!);
}
