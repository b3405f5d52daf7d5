/** The command `unit`: the command line that it was given, as a systemd unit. */
import { RELAY_DEFAULTS } from "../relay/limits.ts";
import { formatGatewayUnit } from "../programs/gateway/unit.ts";
import {
  formatUnit,
  isHiddenFromService,
  isServiceOwn,
  type UnitCredential,
} from "../programs/common/systemd_unit.ts";
import { type RelaySize, relayUnitLimits } from "../programs/common/unit_limits.ts";
import { allOptions, OptionValues, type ProgramSpec } from "./options.ts";
import { GATEWAY_PROGRAM } from "./gateway_options.ts";
import { RELAY_PROGRAM } from "./relay_options.ts";

/** Options that take a path. */
const PATH_VALUES: readonly string[] = ["FILE", "DIR"];

/** The unit, and what its reader should know that is wrong with it. */
export interface UnitText {
  readonly text: string;
  readonly notes: readonly string[];
}

const NO_VALUES = new OptionValues();

/**
 * The unit for an executable and its options. Paths become absolute, for a service starts in `/`. Files
 * that may hold a secret are root's: systemd hands them to the service, which finds them by itself.
 *
 * @param args a command line that the program has accepted
 * @param folder where it was given
 * @param values what it says, with what a configuration file says
 */
export function unitOf(
  executable: string,
  args: readonly string[],
  folder: string,
  values: OptionValues = NO_VALUES,
): UnitText {
  const limits = relayUnitLimits(sizeOf(values));
  const format: FormatUnit = (path, words, credentials) =>
    formatUnit(path, words, credentials, limits);
  return programUnit(RELAY_PROGRAM, format, { executable, args, folder, values });
}

type FormatUnit = (
  executable: string,
  args: readonly string[],
  credentials: readonly UnitCredential[],
) => string;

/** What decides how much the relay may take. */
function sizeOf(values: OptionValues): RelaySize {
  const number = (name: string, standard: number) => Number(values.text(name) ?? standard);
  return {
    reactors: number("reactors", 1),
    connectionsMax: number("max-connections", RELAY_DEFAULTS.connectionsMax),
    peersMax: number("max-peers", RELAY_DEFAULTS.peersMax),
    peersPerRoomMax: number("max-peers-per-room", RELAY_DEFAULTS.peersPerRoomMax),
  };
}

/** The same for a gateway. */
export function gatewayUnitOf(
  executable: string,
  args: readonly string[],
  folder: string,
  values: OptionValues = NO_VALUES,
): UnitText {
  return programUnit(GATEWAY_PROGRAM, formatGatewayUnit, { executable, args, folder, values });
}

/** What a unit is made of: see {@linkcode unitOf}. */
interface UnitParts {
  readonly executable: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly values: OptionValues;
}

function programUnit(
  program: ProgramSpec,
  format: FormatUnit,
  { executable, args, folder, values }: UnitParts,
): UnitText {
  const paths: string[] = [executable];
  const absolute = (path: string) =>
    path.startsWith("/") ? path : `${folder.replace(/\/$/, "")}/${path}`;
  const options = allOptions(program)
    .filter(({ value }) => value !== undefined && PATH_VALUES.includes(value));
  const credentials: UnitCredential[] = [];
  const words: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    const option = options.find(({ name }) => arg === `--${name}` || arg.startsWith(`--${name}=`));
    if (option === undefined) {
      words.push(arg);
      continue;
    }
    const isJoined = arg.includes("=");
    const path = absolute(isJoined ? arg.slice(arg.indexOf("=") + 1) : args[++index]);
    if (option.credential !== undefined && !isServiceOwn(path)) {
      credentials.push({ name: option.credential, path });
      continue;
    }
    paths.push(path);
    words.push(...(isJoined ? [`--${option.name}=${path}`] : [`--${option.name}`, path]));
  }
  // A configuration file may name others: the service finds them in its place.
  for (const { name, credential } of options) {
    const path = values.text(name);
    const isNamed = args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
    if (credential === undefined || path === undefined || isNamed || isServiceOwn(path)) continue;
    credentials.push({ name: credential, path: path.startsWith("/") ? path : `/${path}` });
  }
  const hidden = paths.filter(isHiddenFromService).map((path) =>
    `the service cannot see ${path}: put it elsewhere, such as /usr/local/bin or /etc`
  );
  const open = program.options.filter(({ name, secret }) =>
    secret && words.some((word) => word === `--${name}` || word.startsWith(`--${name}=`))
  ).map(({ name }) =>
    `the unit holds the key of --${name}, and everybody can read units: use --${name}-file`
  );
  return { text: format(executable, words, credentials), notes: [...hidden, ...open] };
}
