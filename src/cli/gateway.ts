/**
 * The executable `lanparty-gateway`.
 *
 * @module
 */
import { keyFileText, makeKeys } from "../programs/endpoint/access_key.ts";
import { askProgram } from "../programs/common/control_service.ts";
import { describeInterfaces } from "../programs/gateway/interfaces.ts";
import { runGateway } from "../programs/gateway/program.ts";
import { removalWords } from "./control_words.ts";
import { controlFolder, hostParty } from "./host.ts";
import { runProgram } from "./main.ts";
import { sayGood } from "./common_options.ts";
import { checkRelayAccess } from "../programs/endpoint/relay_trust.ts";
import { GATEWAY_PROGRAM, gatewayOptions } from "./gateway_options.ts";
import { gatewayUnitOf } from "./gateway_unit.ts";
import { printUnit, sayNotes } from "./unit_command.ts";
import { keyOf, ROOM } from "./endpoint_options.ts";
import { INVITE_WORDS, type InviteText, inviteText } from "./invite_text.ts";
import { newKeyText, offlineInvite } from "./new_key.ts";
import { UserError } from "../log/user_error.ts";
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
    "invite": (values) => {
      const party = { room: values.requiredOf(ROOM), gatewayKey: keyOf("gateway", values) };
      return printInvite(offlineInvite(values, party, Deno.stdout.isTerminal()));
    },
    "ctl": askGateway,
    "host": hostParty,
    "unit": (values, _, args) => printUnit(gatewayUnitOf, values, args),
  });
}

/** The keys go where the host keeps them; what players are sent is seen, wherever that is. */
function printNewKey(values: OptionValues): Promise<number> {
  const keys = makeKeys();
  const { text, notes } = newKeyText(values, keys.key, Deno.stderr.isTerminal());
  console.log(keyFileText(keys));
  console.error(`\n${text}`);
  sayNotes(notes);
  return Promise.resolve(0);
}

/** What is to be sent goes where it can be kept as a file; what the host should know is seen. */
function printInvite({ text, notes }: InviteText): Promise<number> {
  console.log(text);
  sayNotes(notes);
  return Promise.resolve(0);
}

async function askGateway(values: OptionValues, words: readonly string[]): Promise<number> {
  const stateDir = values.text("state-dir") ?? controlFolder();
  const isInvite = words[0] === "invite";
  const stray = isInvite
    ? undefined
    : INVITE_WORDS.find(({ name }) => values.list(name).length > 0);
  if (stray !== undefined) {
    throw new UserError(`ctl: --${stray.name} is for invite`, { usage: true });
  }
  const question = [...words, ...removalWords(values)];
  const { ok, text } = await askProgram(stateDir, "gateway", question);
  if (ok && isInvite) return await printInvite(inviteText(text, values, Deno.stdout.isTerminal()));
  (ok ? console.log : console.error)(text);
  return ok ? 0 : 1;
}
