/** The executable `lanparty-relay`. */
import { checkRelay, type RelayProgramOptions, runRelay } from "../shell/relay_program.ts";
import { keptFingerprint } from "../shell/relay_identity.ts";
import { ownStateFolder } from "../os/state_folder.ts";
import { askRelay } from "../shell/relay_control.ts";
import { relayLimits } from "./limit_options.ts";
import { runProgram } from "./main.ts";
import type { OptionValues } from "./options.ts";
import { parseAllowedRoom, parseRedirect, RELAY_PROGRAM } from "./programs.ts";
import { unitOf } from "./unit_command.ts";
import { VERSION } from "./version.ts";

if (import.meta.main) {
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
      const { ok, text } = await askRelay(
        values.text("state-dir") ?? ownStateFolder("relay"),
        words,
      );
      (ok ? console.log : console.error)(text);
      return ok ? 0 : 1;
    },
    "unit": () => {
      const { text, notes } = unitOf(Deno.execPath(), Deno.args.slice(1), Deno.cwd());
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
    version: VERSION,
  };
}
