/** The executable `lanparty-relay`. */
import { runRelay } from "../shell/relay_program.ts";
import { runProgram } from "./main.ts";
import { parseRedirect, RELAY_PROGRAM } from "./programs.ts";

if (import.meta.main) {
  await runProgram(RELAY_PROGRAM, Deno.args, (values) =>
    runRelay({
      listen: values.list("listen"),
      certificateFile: values.text("cert"),
      keyFile: values.text("key"),
      certificateNames: values.list("cert-name"),
      derOutFile: values.text("dev-cert-der-out"),
      stateDir: values.text("state-dir"),
      maxTapMtu: Number(values.required("max-tap-mtu")),
      roomsMax: Number(values.required("max-rooms")),
      peersPerRoomMax: Number(values.required("max-peers-per-room")),
      allowRouterAdvertisements: values.flag("allow-router-advertisements"),
      redirects: values.list("redirect").map((text) => {
        const { room, relay } = parseRedirect(text)!;
        return [room, { relay }] as const;
      }),
      frameLogFile: values.text("frame-log"),
    }));
}
