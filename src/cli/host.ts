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
  nextSteps,
  type OpenParty,
  openText,
  partyOf,
  type PartyOptionTexts,
  ROOM_NAME_BYTES,
  roomName,
} from "../programs/gateway/host_party.ts";
import { machineInterfaces } from "../programs/gateway/interfaces.ts";
import { type MadeInvite, partyInvite } from "../programs/gateway/invite.ts";
import { GATEWAY_STATE_FOLDER } from "../programs/gateway/unit.ts";
import { askProgram } from "../programs/common/control_service.ts";
import {
  install,
  type InstallPlace,
  notReady,
  requireSystemd,
  thisMachine,
  uninstall,
} from "../programs/common/install.ts";
import { type Installable, readMark } from "../programs/common/install_plan.ts";
import { LinuxServices, type Services } from "../system/units/mod.ts";
import { gatewayUnitOf } from "./gateway_unit.ts";
import { requireLan, requireLanRights } from "../programs/gateway/lan.ts";
import { type GatewayProgramOptions, runGateway } from "../programs/gateway/program.ts";
import { runningEndpoint } from "../programs/endpoint/program.ts";
import { randomBytes } from "../programs/common/random.ts";
import { openStateDir } from "../programs/common/state_dir.ts";
import { exists, ownStateFolder } from "../system/files/mod.ts";
import { showLiveLine } from "../log/logging.ts";
import { UserError } from "../log/user_error.ts";
import { type Dialog, TERMINAL } from "./dialog.ts";
import { keyOf } from "./endpoint_options.ts";
import { GATEWAY_PROGRAM, gatewayOptions } from "./gateway_options.ts";
import { forgetParty, partyFile, readParty, writeParty } from "./host_file.ts";
import { givenParty, hostTask } from "./host_options.ts";
import { hostInviteText } from "./invite_text.ts";
import { OptionValues } from "./options.ts";

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
  const party = openParty(values, (file) => refuseServed(place.services, file));
  return await runGateway(party.options, {
    joined: (invite) => sayOpen({ ...party, isService: false }, invite),
  });
}

/** Makes a service of the party, and shows the invite when the relay has let it in. */
async function serveParty(place: InstallPlace, values: OptionValues): Promise<number> {
  const { services } = place;
  requireSystemd(services, `${SERVICE.program} ${SERVICE.command}`);
  refuseOther(services);
  const party = openParty(values);
  // The file stays root's: systemd hands it to the service.
  const unitOf = (executable: string) =>
    gatewayUnitOf({
      ...{ executable, args: ["--config", party.file], folder: "/", values: new OptionValues() },
    }).text;
  await install(place, { ...SERVICE, args: [], unitOf });
  for (let waitedMs = 0; waitedMs < JOIN_TIMEOUT_MS; waitedMs += JOIN_INTERVAL_MS) {
    if (await hasJoined()) {
      sayOpen({ ...party, isService: true }, partyInvite(party.options));
      return 0;
    }
    if (await services.look(SERVICE.program) === "failing") break;
    await place.wait(JOIN_INTERVAL_MS);
  }
  throw await notReady(services, SERVICE, "the service does not get into its room");
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
  const stateDir = values.text("state-dir") ?? ownStateFolder(HOST_PART);
  const isThere = services.isThere && services.unit(SERVICE.program) !== undefined;
  if (isThere) requireSystemd(services, `${SERVICE.program} ${SERVICE.undo}`);
  const isRemoved = isThere && await uninstall(place, SERVICE);
  console.log(isRemoved ? "The service is ended and removed." : "There is no service to remove.");
  if (!isForgotten) {
    if (exists(partyFile(stateDir))) {
      console.log("The party's keys are kept: lanparty-gateway host opens it again.");
    }
    return 0;
  }
  refuseSecond(stateDir);
  forgetParty(stateDir);
  console.log("The party is forgotten: its invites are dead.");
  return 0;
}

/** @throws {UserError} systemd runs this party */
function refuseServed(services: Services, file: string): void {
  const unit = services.isThere ? services.unit(SERVICE.program) : undefined;
  if (unit === undefined || readMark(unit) === undefined || !unit.includes(`:${file}\n`)) return;
  throw new UserError(
    "this party runs as a service: its invite is shown by lanparty-gateway ctl invite; options are changed " +
      "together with --as-service, and --remove ends the service",
  );
}

/** The state folder of the gateway that `ctl` asks where none is named: that of `host`, while it runs. */
export function controlFolder(): string {
  const folder = ownStateFolder(HOST_PART);
  return gatewayOf(folder) === undefined ? ownStateFolder("gateway") : folder;
}

/** A party as it is run. */
interface HostedParty extends Omit<OpenParty, "isService"> {
  readonly options: GatewayProgramOptions;
}

/**
 * Finds out all that a party takes, and keeps it.
 *
 * @param refuse looks at where it is kept, and may throw
 * @throws {UserError} something is missing, or wrong
 */
function openParty(
  values: OptionValues,
  refuse: (file: string) => void = () => {},
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
  refuse(partyFile(stateDir));
  const kept = readParty(GATEWAY_PROGRAM, stateDir);
  if (!given.has("relay") && !kept?.has("relay")) throw new UserError(WHICH_RELAY, { usage: true });
  const { options, changed } = partyOf({
    kept,
    given: kept?.has("interface") || given.has("interface")
      ? given
      : new Map([...given, ["interface", [findLan(askerOf())]]]),
    make: () => ({
      room: roomName(randomBytes(ROOM_NAME_BYTES)),
      gatewayKey: makeKeys().gatewayKey,
    }),
  });
  const program = gatewayOptions(valuesOf(options, stateDir));
  requireKnownLan(program.interface, given.has("interface"));
  if (kept === undefined || changed.length > 0) writeParty(stateDir, options);
  if (changed.length > 0) console.error(`Kept from now on: ${changedText(options, changed)}.`);
  return {
    options: program,
    interface: program.interface,
    relay: program.relays.map(formatEndpointAddress).join(", "),
    file: partyFile(stateDir),
  };
}

/** @throws {UserError} this party is open already: what is given now would not be heard of */
function refuseSecond(stateDir: string): void {
  const pid = runningEndpoint(stateDir, "gateway");
  if (pid === undefined) return;
  throw new UserError(
    `lanparty-gateway host runs already (process ${pid}), and ends by Ctrl-C in its window; its invite: ` +
      "lanparty-gateway ctl invite",
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

function changedText(options: PartyOptionTexts, changed: readonly string[]): string {
  return changed.map((name) => {
    if (name === "gateway-key") return "another key, so that players need a new invite";
    const value = options.get(name);
    return value === undefined ? `no ${name}` : `${name} ${value}`;
  }).join(", ");
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
  showLiveLine(""); // it comes back by itself
  console.log(`\n${openText(party)}\n`);
  if (invite.ok) {
    const { text, notes } = hostInviteText(invite.text, Deno.stdout.isTerminal());
    console.log(`${text}\n`);
    for (const note of notes) console.error(`note: ${note}`);
  } else console.error(`note: there is no invite to be had: ${invite.why}`);
  console.log(`${nextSteps(party)}\n`);
}
