/** The executable `lanparty-relay`. */
import { configureLogging, type LogFormat, type LogLevelName } from "../shell/logging.ts";
import { parseJob, REACTOR_WORD, type ReactorJob } from "../shell/reactor_messages.ts";
import { runReactor, sayFailure } from "../shell/reactor_program.ts";
import type { RelayProgramOptions } from "../shell/relay_options.ts";
import { checkRelay, runRelay } from "../shell/relay_program.ts";
import { UserError } from "../shell/user_error.ts";
import { keptFingerprint } from "../shell/relay_identity.ts";
import { parseHost } from "../ctrl/address.ts";
import { ownStateFolder } from "../os/state_folder.ts";
import { askProgram } from "../shell/control_service.ts";
import { relayLimits } from "./limit_options.ts";
import { ExitCode, runProgram } from "./main.ts";
import { OptionValues } from "./options.ts";
import { parseAllowedRoom, parseRedirect } from "./option_values.ts";
import { RELAY_PROGRAM } from "./programs.ts";
import { removalWords } from "./control_words.ts";
import { unitOf } from "./unit_command.ts";
import { VERSION } from "./version.ts";

if (import.meta.main) {
  if (Deno.args[0] === REACTOR_WORD) await runReactorProcess();
  await runProgram(RELAY_PROGRAM, Deno.args, (values) => runRelay(relayOptions(values)), {
    "check-config": (values) => {
      checkRelay(relayOptions(values));
      console.log("The configuration is good.");
      return Promise.resolve(0);
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
    "unit": (values) => {
      const args = Deno.args.slice(1);
      const { text, notes } = unitOf(Deno.execPath(), args, Deno.cwd(), values);
      console.log(text.trimEnd());
      for (const note of notes) console.error(`note: ${note}`);
      return Promise.resolve(0);
    },
  });
}

function relayOptions(values: OptionValues): RelayProgramOptions {
  return {
    listen: values.list("listen"),
    certificateFile: values.text("cert"),
    keyFile: values.text("key"),
    certificateNames: values.list("cert-name"),
    derOutFile: values.text("dev-cert-der-out"),
    stateDir: values.text("state-dir"),
    policy: values.required("policy") as RelayProgramOptions["policy"],
    allowedRooms: values.list("allow-room").map((text) => {
      const { room, hash } = parseAllowedRoom(text)!;
      return [room, hash] as const;
    }),
    limits: relayLimits(values),
    allowRouterAdvertisements: values.flag("allow-router-advertisements"),
    allowVlan: values.flag("allow-vlan"),
    redirects: values.list("redirect").map((text) => {
      const { room, relay } = parseRedirect(text)!;
      return [room, { relay }] as const;
    }),
    frameLogFile: values.text("frame-log"),
    frameLogBounds: {
      bytesMax: Number(values.required("frame-log-max-mb")) * 1_000_000,
      oneIn: Number(values.required("frame-log-sample")),
    },
    status: values.text("status"),
    reactors: Number(values.required("reactors")),
    reactorPorts: values.list("reactor-port").map(Number),
    publicHost: parseHost(values.text("public-host") ?? ""),
    texts: values.toRecord(),
    version: VERSION,
  };
}

/** A start by the supervisor of `--reactors`; by anybody else it is a word too many. */
async function runReactorProcess(): Promise<void> {
  const job = Deno.stdin.isTerminal() ? undefined : parseJob(readFirstLine());
  if (job === undefined) return;
  const values = OptionValues.fromRecord(job.options);
  configureLogging(
    values.required("log-level") as LogLevelName,
    values.required("log-format") as LogFormat,
    { reactor: job.reactor },
  );
  if (job.version === VERSION) {
    Deno.exit(await runReactor({ ...relayOptions(values), ...placesOf(job) }, job));
  }
  sayFailure(
    new UserError(`the program's file is of version ${VERSION} now: restart the whole relay`),
  );
  Deno.exit(ExitCode.failed);
}

function placesOf(job: ReactorJob): Partial<RelayProgramOptions> {
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
