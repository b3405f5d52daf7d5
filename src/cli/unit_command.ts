/** The command `unit`: the command line that it was given, as a systemd unit. */
import { formatGatewayUnit } from "../shell/gateway_unit.ts";
import { formatUnit, isHiddenFromService } from "../shell/systemd_unit.ts";
import { allOptions, type ProgramSpec } from "./options.ts";
import { GATEWAY_PROGRAM, RELAY_PROGRAM } from "./programs.ts";

/** Options that take a path. */
const PATH_VALUES: readonly string[] = ["FILE", "DIR"];

/** The unit, and what its reader should know that is wrong with it. */
export interface UnitText {
  readonly text: string;
  readonly notes: readonly string[];
}

/**
 * The unit for an executable and its options. Paths become absolute, for a service starts in `/`.
 *
 * @param args a command line that the program has accepted
 * @param folder where it was given
 */
export function unitOf(executable: string, args: readonly string[], folder: string): UnitText {
  return programUnit(RELAY_PROGRAM, formatUnit, executable, args, folder);
}

/** The same for a gateway. */
export function gatewayUnitOf(
  executable: string,
  args: readonly string[],
  folder: string,
): UnitText {
  return programUnit(GATEWAY_PROGRAM, formatGatewayUnit, executable, args, folder);
}

function programUnit(
  program: ProgramSpec,
  format: typeof formatUnit,
  executable: string,
  args: readonly string[],
  folder: string,
): UnitText {
  const paths: string[] = [executable];
  const absolute = (path: string) => {
    const found = path.startsWith("/") ? path : `${folder.replace(/\/$/, "")}/${path}`;
    paths.push(found);
    return found;
  };
  const options = allOptions(program)
    .filter(({ value }) => value !== undefined && PATH_VALUES.includes(value))
    .map(({ name }) => `--${name}`);
  const absoluteArgs = args.map((arg, index) => {
    if (options.includes(args[index - 1])) return absolute(arg);
    const option = options.find((name) => arg.startsWith(`${name}=`));
    return option === undefined ? arg : `${option}=${absolute(arg.slice(option.length + 1))}`;
  });
  const notes = paths.filter(isHiddenFromService).map((path) =>
    `the service cannot see ${path}: put it elsewhere, such as /usr/local/bin or /etc`
  );
  return { text: format(executable, absoluteArgs), notes };
}
