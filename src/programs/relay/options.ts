/**
 * What the relay's command line says, and what follows from it before anything is started.
 *
 * @module
 */
import type { ListenAddress } from "../../control/address.ts";
import type { StatusAddress } from "../../serve/status_address.ts";
import { planWorkers } from "../../relay/workers/plan.ts";
import type { RedirectTarget } from "../../relay/directory.ts";
import type { RelayOptions } from "../../relay/limits.ts";
import type { FrameLogBounds } from "../common/frame_log_file.ts";
import { randomBytes } from "../common/random.ts";
import type { OptionTexts } from "./workers/messages.ts";
import {
  readCertificate,
  type RelayCertificate,
  selfSignedCertificate,
  statelessResetKey,
} from "./identity.ts";
import type { PolicyOptions } from "./policy.ts";
import { systemFailure, UserError } from "../../log/user_error.ts";

/** What the relay's command line says. */
export interface RelayProgramOptions extends PolicyOptions {
  readonly listen: readonly ListenAddress[];
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly certificateNames: readonly string[];
  /** Whether a lost key of the relay's own certificate is made anew. */
  readonly mayReplaceKey: boolean;
  readonly derOutFile: string | undefined;
  readonly stateDir: string | undefined;
  readonly limits: Partial<RelayOptions>;
  readonly allowRouterAdvertisements: boolean;
  readonly allowVlan: boolean;
  readonly redirects: readonly (readonly [string, RedirectTarget])[];
  readonly frameLogFile: string | undefined;
  readonly frameLogBounds: FrameLogBounds;
  /** Where the status pages are served; undefined: nowhere. */
  readonly status: StatusAddress | undefined;
  /** How many processes carry frames; 1: this one. */
  readonly reactors: number;
  /** The ports of all workers but the first; none: those above the first's. */
  readonly reactorPorts: readonly number[];
  /** By which host endpoints reach the other workers; undefined: it is found out. */
  readonly publicHost: string | undefined;
  /** All of the above as it was given, for another process. */
  readonly texts: OptionTexts;
  /** The program's. */
  readonly version: string;
}

/** What each worker listens on. @throws {UserError} the options do not fit together */
export function workerListen(options: RelayProgramOptions): readonly (readonly ListenAddress[])[] {
  const { listen, reactors, reactorPorts } = options;
  const plan = planWorkers({ listen, workers: reactors, ports: reactorPorts });
  if (!plan.ok) throw new UserError(plan.message, { usage: true });
  return plan.listen;
}

/** The certificate that the options name, if they name one. @throws {UserError} */
export function givenCertificate(options: RelayProgramOptions): RelayCertificate | undefined {
  const { certificateFile, keyFile } = options;
  if (certificateFile !== undefined && keyFile !== undefined) {
    return readCertificate(certificateFile, keyFile);
  }
  if (certificateFile !== undefined || keyFile !== undefined) {
    throw new UserError("--cert and --key belong together: give both or none", { usage: true });
  }
  return undefined;
}

/** That one, or the relay's own. @throws {UserError} */
export async function certificateOf(
  options: RelayProgramOptions,
  stateDir: string,
): Promise<RelayCertificate> {
  const given = givenCertificate(options);
  if (given !== undefined) return given;
  try {
    const { certificateNames, mayReplaceKey } = options;
    return await selfSignedCertificate(stateDir, certificateNames, Date.now(), mayReplaceKey);
  } catch (cause) {
    throw systemFailure(`the state folder ${stateDir} cannot be used`, cause);
  }
}

//= PROTOCOL.md 3
//# | stateless reset | a relay should keep its reset key over restarts (RFC 9000 §10.3), so that
//# endpoints notice one at once; ours answers connection ids that it gave out itself, and no others
//# ([SILENCE.md](../../docs/SILENCE.md))
/** The key of stateless resets in a state folder. @throws {UserError} */
export function resetKeyOf(stateDir: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(statelessResetKey(stateDir, randomBytes));
  } catch (cause) {
    throw systemFailure(`the state folder ${stateDir} cannot be used`, cause);
  }
}
