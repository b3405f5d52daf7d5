/**
 * The command `host` of `lanparty-gateway`: a party from one command, and from nothing but `host` from then on.
 *
 * @module
 */
import { formatEndpointAddress } from "../control/address.ts";
import { printKey } from "../control/printed_key.ts";
import { makeKeys } from "../programs/endpoint/access_key.ts";
import {
  chooseLan,
  lanAnswer,
  lanQuestion,
  lanUnclear,
  NO_LAN,
} from "../programs/gateway/host_interface.ts";
import {
  changedText,
  nextSteps,
  type OpenParty,
  openText,
  partyOf,
  type PartyOptionTexts,
  ROOM_NAME_BYTES,
  roomName,
  stateDirWords,
} from "../programs/gateway/host_party.ts";
import { machineInterfaces } from "../programs/gateway/interfaces.ts";
import { type MadeInvite, partyInvite } from "../programs/gateway/invite.ts";
import { GATEWAY_STATE_FOLDER } from "../programs/gateway/unit.ts";
import { askProgram } from "../programs/common/control_service.ts";
import {
  install,
  type InstallPlace,
  notReady,
  requirePlan,
  requireSystemd,
  thisMachine,
  uninstall,
} from "../programs/common/install.ts";
import { type Installable, programPath } from "../programs/common/install_plan.ts";
import { LinuxServices, type Services, type ServiceState } from "../system/units/mod.ts";
import { gatewayUnitOf } from "./gateway_unit.ts";
import { requireLan, requireLanRights } from "../programs/gateway/lan.ts";
import { type GatewayProgramOptions, runGateway } from "../programs/gateway/program.ts";
import { runningEndpoint } from "../programs/endpoint/program.ts";
import { randomBytes } from "../programs/common/random.ts";
import { openStateDir } from "../programs/common/state_dir.ts";
import { exists, ownStateFolder } from "../system/files/mod.ts";
import { loggerOf, logText, showLiveLine } from "../log/logging.ts";
import { UserError } from "../log/user_error.ts";
import { type Dialog, TERMINAL } from "./dialog.ts";
import { keyOf } from "./endpoint_options.ts";
import { GATEWAY_PROGRAM, gatewayOptions } from "./gateway_options.ts";
import { forgetParty, partyFile, readParty, servedFolder, writeParty } from "./host_file.ts";
import { givenParty, hostTask, logWords } from "./host_options.ts";
import { hostInviteText } from "./invite_text.ts";
import { OptionValues } from "./options.ts";
import { sayNotes } from "./unit_command.ts";

/** The part whose state folder is `host`'s. */
const HOST_PART = "host";
/** A question that is answered wrongly this often is given up. */
const ANSWERS_MAX = 5;

const WHICH_RELAY =
  "which relay? Give --relay ADDRESS:PORT,FINGERPRINT: lanparty-relay install prints it, on a " +
  "server that everybody reaches";

/** As `host` makes a service of itself. */
const SERVICE: Installable = {
  program: "lanparty-gateway",
  command: "host --as-service",
  undo: "host --remove",
};
/** A relay that has not let the service in by then is told about, and not waited for. */
const JOIN_TIMEOUT_MS = 20_000;
const JOIN_INTERVAL_MS = 250;

/**
 * Runs a party until its session ends or a signal comes, or has systemd do so; resolves with the exit code.
 *
 * @throws {UserError} for what the host can mend
 */
export async function hostParty(values: OptionValues): Promise<number> {
  const place = thisMachine(new LinuxServices());
  const task = hostTask(values);
  if (task === "serve") return await serveParty(place, values);
  if (task !== "run") return await removeParty(place, values, task === "forget");
  const party = findParty(values, (stateDir) => refuseServed(place.services, stateDir));
  if (party.isNew) party.keep();
  return await runGateway(party.options, {
    joined: (invite) => {
      showLiveLine(""); // it comes back by itself
      keepJoined(party);
      sayOpen({ ...party, isService: false }, invite);
    },
  });
}

/** What was given is good, as the relay has let it in: it takes the place of what was kept. */
function keepJoined(party: HostedParty): void {
  try {
    party.keep();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    logText(loggerOf("gateway"), "error", error.message); // the party is open all the same
  }
}

/** Makes a service of the party, and shows the invite when the relay has let it in. */
async function serveParty(place: InstallPlace, values: OptionValues): Promise<number> {
  const { services } = place;
  requireSystemd(services, `${SERVICE.program} ${SERVICE.command}`);
  requirePlan(place, SERVICE);
  refuseOther(services);
  const party = findParty(values);
  // The file stays root's: systemd hands it to the service.
  const args = ["--config", party.file, ...logWords(values)];
  const unitOf = (executable: string) =>
    gatewayUnitOf({ executable, args, folder: "/", values: party.values });
  const { notes } = unitOf(programPath(SERVICE.program));
  party.keep();
  sayNotes(notes);
  await install(place, {
    ...SERVICE,
    args: [],
    unitOf: (executable) => unitOf(executable).text,
  });
  let state: ServiceState = "starting";
  for (let waitedMs = 0; waitedMs < JOIN_TIMEOUT_MS; waitedMs += JOIN_INTERVAL_MS) {
    if (await hasJoined()) {
      sayOpen({ ...party, isService: true }, partyInvite(party.options));
      return 0;
    }
    state = await services.look(SERVICE.program);
    if (state === "failing" || state === "failed") break;
    await place.wait(JOIN_INTERVAL_MS);
  }
  throw await notReady(services, SERVICE, state, "the service does not get into its room");
}

/** @throws {UserError} another gateway has the service's state folder, and would be asked in its place */
function refuseOther(services: Services): void {
  if (services.unit(SERVICE.program) !== undefined) return;
  const pid = gatewayOf(GATEWAY_STATE_FOLDER);
  if (pid === undefined) return;
  throw new UserError(
    `a gateway runs already (process ${pid}) with ${GATEWAY_STATE_FOLDER}, where the service keeps its state: ` +
      "end it first",
  );
}

/** The gateway that runs with a state folder; undefined: none, or it is somebody else's and no party of ours. */
function gatewayOf(stateDir: string): number | undefined {
  try {
    return runningEndpoint(stateDir, "gateway");
  } catch {
    return undefined;
  }
}

async function hasJoined(): Promise<boolean> {
  try {
    return (await askProgram(GATEWAY_STATE_FOLDER, "gateway", ["players"])).ok;
  } catch (error) {
    if (error instanceof UserError) return false; // it does not listen yet
    throw error;
  }
}

/** Takes the service away, and forgets the party where that is wanted. */
async function removeParty(
  place: InstallPlace,
  values: OptionValues,
  isForgotten: boolean,
): Promise<number> {
  const { services } = place;
  const unit = services.isThere ? services.unit(SERVICE.program) : undefined;
  const served = unit === undefined ? undefined : servedFolder(unit);
  const stateDir = values.text("state-dir") ?? served ?? ownStateFolder(HOST_PART);
  if (unit !== undefined) requireSystemd(services, `${SERVICE.program} ${SERVICE.undo}`);
  if (isForgotten) refuseSecond(stateDir);
  const isRemoved = unit !== undefined && await uninstall(place, SERVICE);
  console.log(isRemoved ? "The service is ended and removed." : "There is no service to remove.");
  if (isForgotten) {
    console.log(
      forgetParty(stateDir)
        ? "The party is forgotten: its invites are dead."
        : `There was no party in ${stateDir}.`,
    );
  }
  const kept = [stateDir, served].find((folder) => folder && exists(partyFile(folder)));
  if (kept !== undefined) {
    const words = stateDirWords(elsewhere(kept));
    console.log(`The party's keys are kept: lanparty-gateway host${words} opens it again.`);
  }
  return 0;
}

/** @throws {UserError} systemd runs this party */
function refuseServed(services: Services, stateDir: string): void {
  const unit = services.isThere ? services.unit(SERVICE.program) : undefined;
  if (unit === undefined || servedFolder(unit) !== stateDir) return;
  throw new UserError(
    "this party runs as a service: its invite is shown by lanparty-gateway ctl invite; to change options give " +
      `them with lanparty-gateway host --as-service${stateDirWords(elsewhere(stateDir))}; ` +
      "lanparty-gateway host --remove ends the service",
  );
}

/** A party's state folder, where commands have to name it. */
function elsewhere(stateDir: string): string | undefined {
  return stateDir === ownStateFolder(HOST_PART) ? undefined : stateDir;
}

/** The state folder of the gateway that `ctl` asks where none is named: that of `host`, while it runs. */
export function controlFolder(): string {
  const folder = ownStateFolder(HOST_PART);
  return gatewayOf(folder) === undefined ? ownStateFolder("gateway") : folder;
}

/** A party as it is run. */
interface HostedParty extends Omit<OpenParty, "isService"> {
  readonly options: GatewayProgramOptions;
  /** The same, as a command line would say them. */
  readonly values: OptionValues;
  /** Whether nothing was kept of it before. */
  readonly isNew: boolean;
  /** Keeps it, and says what has changed. @throws {UserError} it cannot be written */
  readonly keep: () => void;
}

/**
 * Finds out all that a party takes; what is kept of it does not change yet.
 *
 * @param refuse looks at the folder where it is kept, and may throw
 * @throws {UserError} something is missing, or wrong
 */
function findParty(
  values: OptionValues,
  refuse: (stateDir: string) => void = () => {},
): HostedParty {
  if (values.text("config") !== undefined) {
    const why = "host keeps its options in a file of its own: give them on the command line";
    throw new UserError(`--config: ${why}`, { usage: true });
  }
  const key = keyOf("gateway", values);
  const given = givenParty(values, key === undefined ? undefined : printKey("gateway", key));
  requireLanRights();
  const stateDir = openStateDir(HOST_PART, values.text("state-dir"));
  refuseSecond(stateDir);
  refuse(stateDir);
  const kept = readParty(GATEWAY_PROGRAM, stateDir);
  if (!given.has("relay") && !kept?.has("relay")) throw new UserError(WHICH_RELAY, { usage: true });
  const party = partyOf({
    kept,
    given: kept?.has("interface") || given.has("interface")
      ? given
      : new Map([...given, ["interface", [findLan(askerOf())]]]),
    make: () => ({
      room: roomName(randomBytes(ROOM_NAME_BYTES)),
      gatewayKey: makeKeys().gatewayKey,
    }),
  });
  const partyValues = valuesOf(party.options, stateDir);
  const program = gatewayOptions(partyValues);
  requireKnownLan(program.interface, given.has("interface"));
  const isNew = kept === undefined;
  return {
    options: program,
    values: partyValues,
    interface: program.interface,
    relay: program.relays.map(formatEndpointAddress).join(", "),
    file: partyFile(stateDir),
    stateDir: elsewhere(stateDir),
    isNew,
    keep: () => {
      const hasChanged = party.changed.length > 0;
      if (isNew || hasChanged) writeParty(stateDir, party.options);
      if (hasChanged) console.error(changedText(party));
    },
  };
}

/** @throws {UserError} this party is open already: what is given now would not be heard of */
function refuseSecond(stateDir: string): void {
  const pid = runningEndpoint(stateDir, "gateway");
  if (pid === undefined) return;
  throw new UserError(
    `lanparty-gateway host runs already (process ${pid}), and ends by Ctrl-C in its window; its invite: ` +
      `lanparty-gateway ctl invite${stateDirWords(elsewhere(stateDir))}`,
  );
}

/** @throws {UserError} the interface cannot be bridged, or has gone away since it was chosen */
function requireKnownLan(name: string, isGiven: boolean): void {
  if (isGiven || machineInterfaces().some((info) => info.name === name)) {
    requireLan(name);
    return;
  }
  const how = "plug it in again, or give --interface NAME (lanparty-gateway interfaces lists them)";
  throw new UserError(`the LAN's interface ${name} is not there any more: ${how}`);
}

/** The gateway's options, as a command line would say them. */
function valuesOf(options: PartyOptionTexts, stateDir: string): OptionValues {
  return OptionValues.fromRecord(GATEWAY_PROGRAM, {
    ...Object.fromEntries(options),
    "state-dir": [stateDir],
  });
}

/** Whoever can be asked; undefined: nobody. */
function askerOf(): Dialog | undefined {
  return Deno.stdin.isTerminal() && Deno.stdout.isTerminal() ? TERMINAL : undefined;
}

/** The LAN's interface. @throws {UserError} there is none, or nobody has said which */
function findLan(dialog: Dialog | undefined): string {
  const choice = chooseLan(machineInterfaces());
  if (choice.kind === "plain") return choice.name;
  if (choice.kind === "none") throw new UserError(NO_LAN);
  const { candidates } = choice;
  if (dialog !== undefined) {
    dialog.say(lanQuestion(candidates));
    for (let attempt = 0; attempt < ANSWERS_MAX; attempt++) {
      const answer = dialog.ask(`Its number (1 to ${candidates.length}):`);
      if (answer === undefined) break;
      const name = lanAnswer(candidates, answer);
      if (name !== undefined) return name;
    }
  }
  throw new UserError(lanUnclear(candidates), { usage: true });
}

/** Tells the host that it works, the invite, and what comes next. */
function sayOpen(party: OpenParty, invite: MadeInvite): void {
  console.log(`\n${openText(party)}\n`);
  if (invite.ok) {
    const { text, notes } = hostInviteText(invite.text, Deno.stdout.isTerminal());
    console.log(`${text}\n`);
    for (const note of notes) console.error(`note: ${note}`);
  } else console.error(`note: there is no invite to be had: ${invite.why}`);
  console.log(`${nextSteps(party)}\n`);
}
