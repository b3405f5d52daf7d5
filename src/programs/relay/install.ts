/**
 * Makes a service of the relay, and says what the party's host does with it.
 *
 * @module
 */
import { findInboundFirewalls } from "../../system/firewall/mod.ts";
import { install, type InstallPlace } from "../common/install.ts";
import { machineAddresses } from "../common/interface_addresses.ts";
import type { Installable } from "../common/install_plan.ts";
import { UserError } from "../../log/user_error.ts";
import { keptFingerprint } from "./identity.ts";
import { firewallText, hostLine } from "./install_text.ts";
import { givenCertificate, type RelayProgramOptions, workerListen } from "./options.ts";
import { requirePolicy } from "./policy.ts";
import { RELAY_STATE_FOLDER } from "./unit.ts";

/** As `install` makes a service of itself. */
export const RELAY_SERVICE: Installable = {
  program: "lanparty-relay",
  command: "install",
  undo: "uninstall",
};

/** What the service is made of. */
export interface RelayInstallation {
  readonly options: RelayProgramOptions;
  /** The same as words. */
  readonly args: readonly string[];
  /** The unit's text, for the program's file. */
  readonly unitOf: (executable: string) => string;
}

/**
 * Makes the service, or another one in its place, and waits until it listens.
 *
 * @returns what is to be said to whoever has made it
 * @throws {UserError} the options do not fit together, something is in the way, or it does not start
 */
export async function installRelayService(
  place: InstallPlace,
  { options, args, unitOf }: RelayInstallation,
): Promise<string> {
  requirePolicy(options);
  const certificate = givenCertificate(options);
  const [listen, ...others] = workerListen(options);
  const ports = [...new Set([listen, ...others].flat().map(({ port }) => port))];
  if (ports.includes(0)) {
    throw new UserError("--listen: a service needs a port that stays: name one", { usage: true });
  }
  await install(place, { ...RELAY_SERVICE, args, unitOf });
  const line = hostLine({
    listen,
    publicHost: options.publicHost,
    addresses: machineAddresses(),
    fingerprint: certificate === undefined
      ? keptFingerprint(undefined, options.stateDir ?? RELAY_STATE_FOLDER)
      : undefined,
  });
  return [
    `The relay runs, and does whenever this machine starts. Its certificate is kept in ${
      options.stateDir ?? RELAY_STATE_FOLDER
    }.`,
    "",
    firewallText(await findInboundFirewalls(), ports),
    "",
    "At the party, on the Linux box that is plugged into the switch:",
    "",
    `  ${line.text}`,
    ...line.isHostKnown ? [] : ["", NO_HOST],
    ...certificate === undefined ? [] : ["", certificateNote(certificate.fingerprint)],
  ].join("\n");
}

const NO_HOST =
  "This machine has no address of its own on the internet: put the name or address by which players " +
  "reach it in the place of NAME, or install once more with --public-host.";

function certificateNote(fingerprint: string): string {
  return "The line is right where a public CA has signed the certificate for the name in it. Otherwise put the " +
    `fingerprint behind it: ,${fingerprint}`;
}
