/** `lanparty-relay ctl`: both ends of the administrator's socket, which lies in the state folder. */
import {
  answerQuestion,
  type ControlActions,
  type ControlAnswer,
  parseQuestion,
} from "../serve/control.ts";
import { askSocket, ControlSocket } from "../serve/control_socket.ts";
import { type Logger, logText } from "./logging.ts";
import { type RelayParts, viewOfRoom } from "./relay_status.ts";
import { UserError } from "./user_error.ts";

const SOCKET_FILE = "control.sock";
/** For so long after a question the runtime's loop gets its turn each ms. */
const ATTENTION_MS = 50;
/** What a peer that is kicked reads. */
export const KICK_MESSAGE = "The relay's administrator has sent you away.";

/** Does what the administrator's words ask for. */
export type Answers = (words: readonly string[]) => ControlAnswer | Promise<ControlAnswer>;

/** Takes the administrator's questions; a socket that cannot be made is no reason not to start. */
export function serveControl(stateDir: string, answers: Answers, logger: Logger): Control {
  const path = `${stateDir}/${SOCKET_FILE}`;
  const answer = async (line: string): Promise<ControlAnswer> => {
    const words = parseQuestion(line);
    if (words === undefined) return { ok: false, text: "expected a JSON array of words" };
    const result = await answers(words);
    const fields = { words: words.join(" ").slice(0, 100), ok: result.ok };
    logText(logger, "info", "the administrator asks", fields);
    return result;
  };
  let socket: ControlSocket | undefined;
  void ControlSocket.listen(path, answer).then((listening) => socket = listening, (error) => {
    const why = error instanceof Error ? error.message : String(error);
    logText(logger, "warning", `the relay cannot be controlled: ${path}: ${why}`);
  });
  return { close: () => socket?.close() };
}

/** What serves the administrator. */
export interface Control {
  /** Takes no more questions. */
  close(): void;
}

/**
 * Asks the relay that runs with this state folder.
 *
 * @throws {UserError} none does, or it is another user's
 */
export async function askRelay(
  stateDir: string,
  words: readonly string[],
): Promise<ControlAnswer> {
  try {
    return await askSocket(`${stateDir}/${SOCKET_FILE}`, words);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const why = cause instanceof Deno.errors.PermissionDenied
      ? "only its user and root may control it"
      : cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.ConnectionRefused
      ? "no relay runs there"
      : cause.message;
    throw new UserError(`the relay of ${stateDir} cannot be asked: ${why}`, { cause });
  }
}

/** The answers of a relay that is one process. */
export function answersOf(parts: RelayParts): Answers {
  return (words) => {
    const answer = answerQuestion(words, actionsOf(parts));
    parts.reactor.attend(ATTENTION_MS);
    parts.reactor.wake();
    return answer;
  };
}

function actionsOf({ node, reactor, timeOriginMs }: RelayParts): ControlActions {
  const { core } = node;
  const nowMs = reactor.now();
  return {
    unixMs: timeOriginMs + nowMs,
    rooms: () => core.rooms().map((room) => viewOfRoom(room, timeOriginMs)),
    kick: (room, peerId) => core.kick(room, peerId, KICK_MESSAGE, nowMs),
    lock: (room) => core.lock(room),
    unlock: (room) => core.unlock(room),
    drain: () => core.drain(),
  };
}
