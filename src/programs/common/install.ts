/**
 * Makes a service of the program that runs, and takes it away.
 *
 * @module
 */
import {
  copyFileAtomic,
  exists,
  removeFileIfThere,
  removeFolderIfThere,
} from "../../system/files/mod.ts";
import { ServiceError, type Services, type ServiceState } from "../../system/units/mod.ts";
import { systemFailure, UserError } from "../../log/user_error.ts";
import {
  type Installable,
  type InstallPlan,
  markUnit,
  planInstall,
  planRemoval,
  PROGRAM_FOLDER,
  programPath,
  readMark,
} from "./install_plan.ts";

const PROGRAM_MODE = 0o755;
/** A service that has not said by then that it is ready is not waited for any more. */
const READY_TIMEOUT_MS = 60_000;
const LOOK_INTERVAL_MS = 250;
const NOT_MADE = "the service cannot be made";

/** Where systemd keeps the state of services whose users it makes up (systemd.exec(5), DynamicUser=). */
const PRIVATE_STATE = "/var/lib/private";

/** What is made. */
export interface Installation extends Installable {
  /** The options that were given, with absolute paths. */
  readonly args: readonly string[];
  /** The unit's text, for the program's file. */
  readonly unitOf: (executable: string) => string;
}

/** The machine, as far as it is changed. */
export interface InstallPlace {
  readonly services: Services;
  /** The file of the program that runs. */
  readonly executable: string;
  /** Waits between two looks. */
  readonly wait: (ms: number) => Promise<void>;
  /** Instead of {@linkcode PROGRAM_FOLDER}. */
  readonly programFolder?: string;
}

/** This very machine and program. */
export function thisMachine(services: Services): InstallPlace {
  return {
    services,
    // The file that runs, also where another one has taken its place meanwhile (proc(5)).
    executable: "/proc/self/exe",
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

/** Refuses where there can be no service. @throws {UserError} */
export function requireSystemd({ isThere }: Services, command: string): void {
  if (Deno.uid() !== 0) throw new UserError(`${command} needs root: sudo ${command} …`);
  if (isThere) return;
  throw new UserError(`${command} makes a service of systemd's, which does not run here`);
}

/** The options of the service that is there; undefined: none, or it was made in another way. */
export function installedArgs(services: Services, program: string): readonly string[] | undefined {
  return readMark(services.unit(program) ?? "")?.args;
}

/**
 * What {@linkcode install} will do; it changes nothing.
 *
 * @throws {UserError} something is in the way
 */
export function requirePlan(
  { services, executable, programFolder }: InstallPlace,
  installable: Installable,
): Extract<InstallPlan, { ok: true }> & { readonly isNew: boolean } {
  const { program } = installable;
  let place;
  try {
    place = placeOf(programPath(program, programFolder), executable);
  } catch (cause) {
    throw failureOf(NOT_MADE, cause);
  }
  const plan = planInstall(installable, { unit: services.unit(program), place });
  if (!plan.ok) throw new UserError(plan.why);
  return { ...plan, isNew: place === "nothing" };
}

/**
 * Makes the service, or another one in its place, and waits until it is ready.
 *
 * @throws {UserError} something is in the way, or it does not become ready
 */
export async function install(place: InstallPlace, installation: Installation): Promise<void> {
  const { services, executable, programFolder = PROGRAM_FOLDER } = place;
  const { program, args, unitOf } = installation;
  const target = programPath(program, programFolder);
  const { copies, isProgramOurs, isNew } = requirePlan(place, installation);
  try {
    if (copies) {
      Deno.mkdirSync(programFolder, { recursive: true });
      copyFileAtomic(executable, target, PROGRAM_MODE);
    }
    await services.install(
      program,
      markUnit(unitOf(target), installation, { isProgramOurs, args }),
    );
  } catch (cause) {
    // Without a unit nothing knows of the copy.
    if (isNew && services.unit(program) === undefined) removeFileIfThere(target);
    throw failureOf(NOT_MADE, cause);
  }
  await waitUntilReady(place, installation);
}

async function waitUntilReady(
  { services, wait }: InstallPlace,
  installation: Installable,
): Promise<void> {
  const { program } = installation;
  let state: ServiceState = "starting";
  for (let waitedMs = 0; waitedMs < READY_TIMEOUT_MS; waitedMs += LOOK_INTERVAL_MS) {
    state = await services.look(program);
    if (state === "ready") return;
    if (state === "failing" || state === "failed") break;
    await wait(LOOK_INTERVAL_MS);
  }
  throw await notReady(services, installation, state, "the service does not start");
}

/** What to throw where a service does not do what it should. */
export async function notReady(
  services: Services,
  { program, undo }: Installable,
  state: ServiceState,
  what: string,
): Promise<UserError> {
  const said = (await services.lastSaid(program))?.replace(/^.*?(error|warning): /, "");
  const next = state === "failed"
    ? `it is not started again; ${program} ${undo} takes it away`
    : `it goes on trying until ${program} ${undo}`;
  return new UserError(
    `${what}${said === undefined ? "" : `: ${said}`} (${next}; journalctl -u ${program} has more)`,
  );
}

/**
 * Takes the service away, with what was made for it.
 *
 * @returns whether there was one
 * @throws {UserError} it was made by somebody else, or cannot be taken away
 */
export async function uninstall(place: InstallPlace, installable: Installable): Promise<boolean> {
  const { services, programFolder } = place;
  const { program } = installable;
  const plan = planRemoval(installable, services.unit(program));
  if (!plan.ok) throw new UserError(plan.why);
  try {
    if (plan.unit) await services.remove(program);
    if (plan.program) removeFileIfThere(programPath(program, programFolder));
  } catch (cause) {
    throw failureOf("the service cannot be taken away", cause);
  }
  return plan.unit;
}

/** Removes what a service has kept. @throws {UserError} it cannot be removed */
export function purgeState(program: string): void {
  try {
    // A link to the folder in there, where systemd has made up a user.
    removeFolderIfThere(`/var/lib/${program}`);
    removeFolderIfThere(`${PRIVATE_STATE}/${program}`);
  } catch (cause) {
    throw systemFailure(`what ${program} has kept cannot be removed`, cause);
  }
}

function placeOf(target: string, executable: string): "this" | "other" | "nothing" {
  if (!exists(target)) return "nothing";
  // By what the paths lead to: that of a program which was replaced while it runs leads nowhere.
  const [own, there] = [Deno.statSync(executable), Deno.statSync(target)];
  return own.dev === there.dev && own.ino === there.ino ? "this" : "other";
}

function failureOf(what: string, cause: unknown): unknown {
  return cause instanceof ServiceError
    ? new UserError(`${what}: ${cause.message}`, { cause })
    : systemFailure(what, cause);
}
