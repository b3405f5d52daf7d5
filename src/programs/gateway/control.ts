/**
 * Serves `lanparty-gateway ctl`: what the host wants of the room, over a socket in the state folder.
 *
 * @module
 */
import type { EndpointAction } from "../../endpoint/actions.ts";
import type { EndpointSession } from "../../endpoint/session.ts";
import { type HostOutcome, HostRequests } from "../../gateway/host_requests.ts";
import type { Reactor, Task } from "../../reactor/mod.ts";
import type { GatewayView } from "../../serve/gateway_view.ts";
import type { ControlAnswer } from "../../serve/control.ts";
import { answerHost, type HostWish } from "../../serve/host_control.ts";
import { serveControl } from "../common/control_service.ts";
import type { MadeInvite } from "./invite.ts";
import { LockFile } from "./lock_file.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { ATTENTION_MS } from "../common/serve_pages.ts";

/** See the module. */
export class GatewayControl implements Task {
  readonly #requests: HostRequests;
  #session: EndpointSession | undefined;
  #stop: () => void = () => {};
  readonly #reactor: Reactor;
  readonly #stateDir: string;
  readonly #logger: Logger;

  /** `room`: the code of the room that the host may have locked before. */
  constructor(
    reactor: Reactor,
    stateDir: string,
    room: string,
    logger: Logger,
  ) {
    this.#reactor = reactor;
    this.#stateDir = stateDir;
    this.#logger = logger;
    const file = new LockFile(stateDir, room, logger);
    this.#requests = new HostRequests(file.found, {
      keep: (locked) => file.keep(locked),
      renewed: ({ ok, message }) =>
        logText(
          logger,
          ok ? "info" : "warning",
          ok ? message : `The room is not locked: ${message}`,
        ),
    });
  }

  /** Listens until {@linkcode close}. */
  open(session: EndpointSession, view: () => GatewayView, invite: () => MadeInvite): void {
    const reactor = this.#reactor;
    const stateDir = this.#stateDir;
    const logger = this.#logger;
    const requests = this.#requests;
    this.#session = session;
    reactor.addTask(this);
    const control = serveControl(stateDir, "gateway", (words) => {
      reactor.attend(ATTENTION_MS);
      const { unixMs, room, joined, players } = view();
      const ask = (wish: HostWish) => this.#ask(wish, session);
      const { lockState } = requests;
      return answerHost(words, {
        ...{ unixMs, room, joined, players, lockState, ask },
        invite: () => answerOf(invite()),
      });
    }, logger);
    this.#stop = () => control.close();
  }

  /** A room is joined or left, or the relay has answered. */
  handleAction(action: EndpointAction, nowMs: number): void {
    if (action.type === "joined") {
      this.#requests.handleJoined((request) => this.#session?.askRelay(request) ?? false, nowMs);
    } else if (action.type === "left") {
      this.#requests.handleLeft();
    } else if (action.type === "hostAnswer") {
      this.#requests.handleAnswer(action.answer);
      // Whoever waits for it is on the runtime's own loop.
      this.#reactor.attend(ATTENTION_MS);
    }
  }

  /** Listens no more. */
  close(): void {
    this.#stop();
  }

  work(nowMs: number): boolean {
    this.#requests.handleTimer(nowMs);
    return false;
  }

  nextDeadlineMs(): number {
    return this.#requests.nextDeadlineMs();
  }

  #ask(wish: HostWish, session: EndpointSession): Promise<HostOutcome> {
    const { promise, resolve } = Promise.withResolvers<HostOutcome>();
    const send = session.askRelay.bind(session);
    this.#requests.ask(wish, send, resolve, this.#reactor.now());
    this.#reactor.wake();
    return promise;
  }
}

function answerOf(invite: MadeInvite): ControlAnswer {
  return invite.ok ? invite : { ok: false, text: invite.why };
}
