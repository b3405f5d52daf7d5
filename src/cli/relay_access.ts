/** The options that client and gateway have in common, as their programs take them. */
import { accessKey, type KeyKind } from "../shell/access_key.ts";
import type { RelayAccessOptions } from "../shell/endpoint_program.ts";
import type { OptionValues, ProgramSpec } from "./options.ts";
import { VERSION } from "./version.ts";

/** Reads them from a checked command line. */
export function relayAccess(program: ProgramSpec, values: OptionValues): RelayAccessOptions {
  return {
    relay: values.required("relay"),
    serverName: values.text("server-name"),
    relayCaFile: values.text("relay-ca-cert"),
    relayFingerprint: values.text("relay-fingerprint"),
    room: values.required("room"),
    name: values.text("name"),
    datagramBudget: values.number("datagram-budget"),
    agent: `${program.name} ${VERSION}`,
  };
}

/** The key that a program shows to the relay, from wherever it is given. */
export function keyOf(kind: KeyKind, values: OptionValues): string | undefined {
  return accessKey({ kind, text: values.text(kind), file: values.text(`${kind}-file`) });
}
