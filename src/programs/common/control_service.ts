/**
 * Both ends of the socket in a state folder by which a relay or a gateway is controlled (`… ctl`).
 *
 * @module
 */
import { type ControlAnswer, parseQuestion } from "../../serve/control.ts";
import { askSocket, ControlSocket, isListening } from "../../serve/control_socket.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { reasonOf, UserError } from "../../log/user_error.ts";

const SOCKET_FILE = "control.sock";

/** Whose socket it is, for people. */
export type ControlledProgram = "relay" | "gateway";

/** Does what the administrator's words ask for. */
export type Answers = (words: readonly string[]) => ControlAnswer | Promise<ControlAnswer>;

/** Takes the administrator's questions; a socket that cannot be made is no reason not to start. */
export function serveControl(
  stateDir: string,
  program: ControlledProgram,
  answers: Answers,
  logger: Logger,
): Control {
  const path = `${stateDir}/${SOCKET_FILE}`;
  const answer = async (line: string): Promise<ControlAnswer> => {
    const words = parseQuestion(line);
    if (words === undefined) return { ok: false, text: "expected a JSON array of words" };
    const result = await answers(words);
    const fields = { words: words.join(" ").slice(0, 100), ok: result.ok };
    logText(logger, "info", "The administrator asks", fields);
    return result;
  };
  let socket: ControlSocket | undefined;
  void ControlSocket.listen(path, program, answer).then(
    (listening) => socket = listening,
    (error) => {
      const why = reasonOf(error);
      logText(logger, "warning", `The ${program} cannot be controlled: ${path}: ${why}`);
    },
  );
  return { close: () => socket?.close() };
}

/** What serves the administrator. */
export interface Control {
  /** Takes no more questions. */
  close(): void;
}

/** Whether a relay or a gateway runs with this state folder, whose user may be another one than root. */
export async function isControlled(stateDir: string): Promise<boolean> {
  return await isListening(`${stateDir}/${SOCKET_FILE}`);
}

/**
 * Asks the relay, or the gateway, that runs with this state folder.
 *
 * @throws {UserError} none does, or it is another user's
 */
export async function askProgram(
  stateDir: string,
  program: ControlledProgram,
  words: readonly string[],
): Promise<ControlAnswer> {
  try {
    return await askSocket(`${stateDir}/${SOCKET_FILE}`, words);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const why = cause instanceof Deno.errors.PermissionDenied
      ? "only its user and root may control it"
      : cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.ConnectionRefused
      ? `no ${program} runs there`
      : reasonOf(cause);
    throw new UserError(`the ${program} of ${stateDir} cannot be asked: ${why}`, { cause });
  }
}
