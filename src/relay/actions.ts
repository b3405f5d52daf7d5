/**
 * What the relay wants of its shell: rare events, so they may allocate. Frames go by queues instead.
 *
 * @module
 */

import type { ConnectionId } from "../proto/brands.ts";
import type { Ban } from "./ban_record.ts";

/** One thing for the shell to do, in the order of the list. */
export type RelayAction =
  /** Send on the control stream that the endpoint opened; report with `handleControlSent`. */
  | { readonly type: "send"; readonly connection: ConnectionId; readonly bytes: Uint8Array }
  /** Send FIN on that stream. */
  | { readonly type: "finish"; readonly connection: ConnectionId }
  /** Close the connection with an application error code; `handleClosed` must follow. */
  | {
    readonly type: "close";
    readonly connection: ConnectionId;
    readonly errorCode: number;
  }
  /** A ban was made here, or is over or taken back: what keeps the list is to be told. */
  | { readonly type: "banMade"; readonly ban: Ban }
  | { readonly type: "bansGone"; readonly ids: readonly string[] }
  | {
    readonly type: "log";
    readonly level: "info" | "warning" | "debug";
    readonly message: string;
    readonly fields: Readonly<Record<string, unknown>>;
  };

/** The actions that wait to be drained. */
export class Outbox {
  #actions: RelayAction[] = [];

  push(action: RelayAction): void {
    this.#actions.push(action);
  }

  log(
    level: "info" | "warning" | "debug",
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    this.#actions.push({ type: "log", level, message, fields });
  }

  drain(): RelayAction[] {
    const drained = this.#actions;
    if (drained.length > 0) this.#actions = [];
    return drained;
  }
}
