/**
 * Makes a service of the relay, and says what the party's host does with it.
 *
 * @module
 */
import { exists } from "../../system/files/mod.ts";
import { findInboundFirewalls } from "../../system/firewall/mod.ts";
import { isControlled } from "../common/control_service.ts";
import { install, type InstallPlace, purgeState } from "../common/install.ts";
import { machineAddresses } from "../common/interface_addresses.ts";
import type { Installable } from "../common/install_plan.ts";
import { UserError } from "../../log/user_error.ts";
import { hasKeptKey, keptFingerprint } from "./identity.ts";
import { firewallText, hostLine, type KeptState } from "./install_text.ts";
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
    "The relay runs, and does whenever this machine starts." +
    (certificate === undefined
      ? ` Its certificate is kept in ${options.stateDir ?? RELAY_STATE_FOLDER}.`
      : ""),
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

/**
 * Removes what the service has kept.
 *
 * @throws {UserError} a relay runs with it, whoever has started it, or it cannot be removed
 */
export async function purgeRelay(): Promise<void> {
  await refuseRunning(RELAY_STATE_FOLDER);
  purgeState(RELAY_SERVICE.program);
}

/** @throws {UserError} a relay runs with a state folder, as in a terminal */
export async function refuseRunning(stateDir: string): Promise<void> {
  if (!await isControlled(stateDir)) return;
  throw new UserError(
    `a relay that is no service runs with ${stateDir}, so what is in there is left alone: end it first`,
  );
}

/** What the service has left. */
export function keptByRelay(stateDir: string = RELAY_STATE_FOLDER): KeptState {
  if (!exists(stateDir)) return "nothing";
  return hasKeptKey(stateDir) ? "key" : "state";
}

const NO_HOST =
  "This machine has no address of its own on the internet: put the name or address by which players " +
  "reach it in the place of NAME, or install once more with --public-host.";

function certificateNote(fingerprint: string): string {
  return "The line is right where a public CA has signed the certificate for the name in it. Otherwise put the " +
    `fingerprint behind it: ,${fingerprint}`;
}
