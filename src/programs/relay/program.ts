/**
 * `lanparty-relay`: puts the parts together and runs them until a signal ends it.
 *
 * @module
 */
import { requireGlibc } from "../common/native_library.ts";
import { LocalDirectory } from "../../relay/directory.ts";
import { BanFile } from "./ban_file.ts";
import { serveControl } from "../common/control_service.ts";
import { loggerOf, logText } from "../../log/logging.ts";
import { answersOf } from "./control.ts";
import { RelayEngine, troubleOf, writeCertificate } from "./engine.ts";
import { checkOwnKey, isRenewalDue, roomSalt } from "./identity.ts";
import {
  certificateOf,
  givenCertificate,
  type RelayProgramOptions,
  resetKeyOf,
  workerListen,
} from "./options.ts";
import { policyOf, requirePolicy, sayFirst } from "./policy.ts";
import { type RelayParts, serveStatus } from "./status.ts";
import { superviseWorkers } from "./workers/supervisor.ts";
import { formatPopulation, openReporter } from "./service_reporter.ts";
import { ownStateFolder } from "../../system/files/mod.ts";
import { openStateDir } from "../common/state_dir.ts";

/**
 * Runs a relay until SIGINT or SIGTERM; resolves with the exit code.
 *
 * @throws {UserError} for what the administrator can mend
 */
export async function runRelay(options: RelayProgramOptions): Promise<number> {
  requireGlibc();
  const listen = workerListen(options);
  return options.reactors === 1 ? await runAlone(options) : await superviseWorkers(options, listen);
}

/**
 * Looks at options as a start would, and changes nothing.
 *
 * @returns what is not wrong with them, but will be
 * @throws {UserError} what is wrong with them
 */
export function checkRelay(options: RelayProgramOptions): string[] {
  requirePolicy(options);
  const given = givenCertificate(options);
  const { stateDir = ownStateFolder("relay"), mayReplaceKey } = options;
  if (given === undefined && !mayReplaceKey) checkOwnKey(stateDir);
  workerListen(options);
  const trouble = given === undefined ? undefined : troubleOf(given);
  return trouble === undefined ? [] : [trouble];
}

async function runAlone(options: RelayProgramOptions): Promise<number> {
  const logger = loggerOf("relay");
  requirePolicy(options);
  const stateDir = openStateDir("relay", options.stateDir);
  const certificate = await certificateOf(options, stateDir);
  writeCertificate(options, certificate);
  sayFirst(options, certificate, logger);
  const resetKey = resetKeyOf(stateDir);
  const engine = RelayEngine.open(options, {
    // The same rooms after each start: bans are kept by room.
    policy: policyOf(options, roomSalt(resetKey)),
    directory: new LocalDirectory(options.redirects),
    certificate,
    resetKey,
  });
  const { core, node, reactor, timeOriginMs } = engine;
  const bans = new BanFile(stateDir, logger);
  for (const ban of bans.found) core.admin.applyBan(ban, reactor.now());
  node.onBans = () => bans.keep(() => core.admin.keptBans(reactor.now()));
  for (const address of engine.addresses) logText(logger, "info", "Listening", { address });
  const keeper = engine.keepCertificate(
    certificate,
    () => certificateOf(options, stateDir),
    (own) => options.certificateFile === undefined && isRenewalDue(own, Date.now()),
  );
  const reporter = openReporter(() => formatPopulation(core.population), logger);
  reactor.addTask(reporter);
  reactor.onSignal(["SIGHUP"], () => {
    reporter.reloading();
    void keeper.reload().then(() => reporter.ready());
  });
  const isDrained = () => core.draining && core.population.peers === 0 ? "drained" : undefined;
  const note = (why: string) => {
    logText(logger, "info", `${why}: stopping`);
    reporter.stopping();
  };
  engine.endWhen(isDrained, note, ["SIGINT", "SIGTERM"]);
  // From here on signals are heard: whoever waits for this line may send one.
  logText(logger, "info", certificate.created ? "Certificate made" : "Certificate in use", {
    fingerprint: certificate.fingerprint,
  });
  const closeServers = serveAdministrator(options, stateDir, {
    node,
    reactor,
    version: options.version,
    timeOriginMs,
    certificate: () => keeper.current,
    receiveBuffer: engine.receiveBuffer,
  }, bans);
  reporter.ready();
  try {
    await engine.run();
  } finally {
    closeServers();
    await bans.flush();
    engine.close();
  }
  return 0;
}

/** Serves the status pages and the administrator's socket; returns a function that ends both. */
function serveAdministrator(
  options: RelayProgramOptions,
  stateDir: string,
  parts: RelayParts,
  bans: BanFile,
): () => void {
  const logger = loggerOf("relay");
  const status = options.status === undefined
    ? undefined
    : serveStatus(options.status, parts, logger);
  const control = serveControl(stateDir, "relay", answersOf(parts, bans), logger);
  return () => {
    status?.close();
    control.close();
  };
}
