/** The executable `lanparty-gateway`. */
import { runGateway } from "../shell/gateway_program.ts";
import { runProgram } from "./main.ts";
import { GATEWAY_PROGRAM } from "./programs.ts";
import { relayAccess } from "./relay_access.ts";

if (import.meta.main) {
  await runProgram(GATEWAY_PROGRAM, Deno.args, (values) =>
    runGateway({
      ...relayAccess(GATEWAY_PROGRAM, values),
      interface: values.required("interface"),
      stateDir: values.text("state-dir"),
      frameLogFile: values.text("frame-log"),
    }));
}
