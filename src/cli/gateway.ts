/** The executable `lanparty-gateway`. */
import { ownStateFolder } from "../system/files/mod.ts";
import { newKeyText } from "../programs/endpoint/access_key.ts";
import { askProgram } from "../programs/common/control_service.ts";
import { describeInterfaces } from "../programs/gateway/interfaces.ts";
import { runGateway } from "../programs/gateway/program.ts";
import { removalWords } from "./control_words.ts";
import { runProgram } from "./main.ts";
import { GATEWAY_PROGRAM, gatewayOptions } from "./gateway_options.ts";
import { gatewayUnitOf } from "./gateway_unit.ts";
import { printUnit } from "./unit_command.ts";

if (import.meta.main) {
  await runProgram(GATEWAY_PROGRAM, Deno.args, (values) => runGateway(gatewayOptions(values)), {
    "new-key": printNewKey,
    "interfaces": () => {
      console.log(describeInterfaces());
      return Promise.resolve(0);
    },
    "ctl": async (values, words) => {
      const stateDir = values.text("state-dir") ?? ownStateFolder("gateway");
      const question = [...words, ...removalWords(values)];
      const { ok, text } = await askProgram(stateDir, "gateway", question);
      (ok ? console.log : console.error)(text);
      return ok ? 0 : 1;
    },
    "unit": (values) => printUnit(gatewayUnitOf, values),
  });
}

function printNewKey(): Promise<number> {
  console.log(newKeyText());
  return Promise.resolve(0);
}
