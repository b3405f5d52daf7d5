/**
 * The executable `lanparty-gateway`.
 *
 * @module
 */
import { ownStateFolder } from "../system/files/mod.ts";
import { keyFileText, makeKeys } from "../programs/endpoint/access_key.ts";
import { askProgram } from "../programs/common/control_service.ts";
import { describeInterfaces } from "../programs/gateway/interfaces.ts";
import { runGateway } from "../programs/gateway/program.ts";
import { removalWords } from "./control_words.ts";
import { runProgram } from "./main.ts";
import { sayGood } from "./common_options.ts";
import { checkRelayAccess } from "../programs/endpoint/relay_trust.ts";
import { GATEWAY_PROGRAM, gatewayOptions } from "./gateway_options.ts";
import { gatewayUnitOf } from "./gateway_unit.ts";
import { printUnit } from "./unit_command.ts";
import { invitationText } from "./new_key.ts";
import type { OptionValues } from "./options.ts";

if (import.meta.main) {
  await runProgram(GATEWAY_PROGRAM, Deno.args, (values) => runGateway(gatewayOptions(values)), {
    "check-config": (values) => {
      checkRelayAccess(gatewayOptions(values));
      return sayGood();
    },
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
    "unit": (values, _, args) => printUnit(gatewayUnitOf, values, args),
  });
}

/** The keys go where the host keeps them; what players are sent is seen, wherever that is. */
function printNewKey(values: OptionValues): Promise<number> {
  const keys = makeKeys();
  console.log(keyFileText(keys));
  console.error(`\n${invitationText(values, keys.roomKey)}`);
  return Promise.resolve(0);
}
