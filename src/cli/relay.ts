/**
 * The executable `lanparty-relay`.
 *
 * @module
 */
import { configureLogging } from "../log/logging.ts";
import { parseJob, WORKER_WORD, type WorkerJob } from "../programs/relay/workers/messages.ts";
import { runWorker, sayFailure } from "../programs/relay/workers/program.ts";
import type { RelayProgramOptions } from "../programs/relay/options.ts";
import { checkRelay, runRelay } from "../programs/relay/program.ts";
import { UserError } from "../log/user_error.ts";
import { keptFingerprint } from "../programs/relay/identity.ts";
import { ownStateFolder } from "../system/files/mod.ts";
import { askProgram } from "../programs/common/control_service.ts";
import { ExitCode, runProgram } from "./main.ts";
import { LOG_FORMAT, LOG_LEVEL, OptionValues } from "./options.ts";
import { sayGood } from "./common_options.ts";
import { RELAY_PROGRAM, relayOptions } from "./relay_options.ts";
import { removalWords } from "./control_words.ts";
import { installRelay, uninstallRelay } from "./relay_install.ts";
import { relayUnitOf } from "./relay_unit.ts";
import { printUnit } from "./unit_command.ts";
import { VERSION } from "./version.ts";

if (import.meta.main) {
  if (Deno.args[0] === WORKER_WORD) await runWorkerProcess();
  await runProgram(RELAY_PROGRAM, Deno.args, (values) => runRelay(relayOptions(values)), {
    "check-config": (values) => {
      return sayGood(checkRelay(relayOptions(values)));
    },
    "fingerprint": (values) => {
      const stateDir = values.text("state-dir") ?? ownStateFolder("relay");
      console.log(keptFingerprint(values.text("cert"), stateDir));
      return Promise.resolve(0);
    },
    "ctl": async (values, words) => {
      const { ok, text } = await askProgram(
        values.text("state-dir") ?? ownStateFolder("relay"),
        "relay",
        [...words, ...removalWords(values)],
      );
      (ok ? console.log : console.error)(text);
      return ok ? 0 : 1;
    },
    "unit": (values, _, args) => printUnit(relayUnitOf, values, args),
    "install": (values, _, args) => installRelay(values, args),
    "uninstall": (values) => uninstallRelay(values),
  });
}

/** A start by the supervisor of `--reactors`; by anybody else it is a word too many. */
async function runWorkerProcess(): Promise<void> {
  const job = Deno.stdin.isTerminal() ? undefined : parseJob(readFirstLine());
  if (job === undefined) return;
  const values = OptionValues.fromRecord(RELAY_PROGRAM, job.options);
  configureLogging(
    values.requiredOf(LOG_LEVEL),
    values.requiredOf(LOG_FORMAT),
    { reactor: job.worker },
  );
  if (job.version === VERSION) {
    Deno.exit(await runWorker({ ...relayOptions(values), ...placesOf(job) }, job));
  }
  sayFailure(
    new UserError(`the program's file is of version ${VERSION} now: restart the whole relay`),
  );
  Deno.exit(ExitCode.failed);
}

function placesOf(job: WorkerJob): Partial<RelayProgramOptions> {
  const { listen, certificateFile, keyFile, derOutFile, stateDir, frameLogFile } = job;
  return { listen, certificateFile, keyFile, derOutFile, stateDir, frameLogFile };
}

/** Reads no further: what follows is for the loop that is not there yet. */
function readFirstLine(): string {
  const LINE_BYTES_MAX = 1 << 20;
  const bytes: number[] = [];
  const byte = new Uint8Array(1);
  while (bytes.length < LINE_BYTES_MAX && Deno.stdin.readSync(byte) === 1 && byte[0] !== 0x0a) {
    bytes.push(byte[0]);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
