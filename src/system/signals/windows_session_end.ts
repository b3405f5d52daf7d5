/**
 * Notices that Windows' session ends: the player shuts down, restarts or logs off. Windows' signals
 * tell only services of it, and other programs nothing as soon as they have loaded user32 or gdi32,
 * which the runtime has: they are told by a window (see `SetConsoleCtrlHandler`). A window can also be
 * asked to close, by `taskkill` without `/F`.
 *
 * @module
 */

import { WindowConstant } from "../../ffi/windows_window.ts";
import { HiddenWindow } from "./windows_window.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";

/** How often messages are looked for: Windows waits 5 s for an answer, and other programs as well. */
export const SESSION_END_INTERVAL_MS = 100;

/** Who is told. */
export interface SessionEndHandler {
  /**
   * The session ends now: when this returns, the process may be ended at any time. It may take less
   * than 5 s, and it is called inside {@linkcode SessionEnd.work}.
   */
  sessionEnds(): void;
  /** This program is asked to end. */
  closeAsked(): void;
}

/** See the module. */
export class SessionEnd {
  readonly #window: HiddenWindow;
  readonly #handler: SessionEndHandler;
  #inside = false;
  #failure: { readonly error: unknown } | undefined;

  /** Undefined on other systems, and where no window can be had. */
  static open(handler: SessionEndHandler): SessionEnd | undefined {
    if (Deno.build.os !== "windows") return undefined;
    try {
      return new SessionEnd(handler);
    } catch (error) {
      if (!(error instanceof WindowsError)) throw error;
      return undefined;
    }
  }

  private constructor(handler: SessionEndHandler) {
    this.#handler = handler;
    this.#window = new HiddenWindow("lanparty", (message, wParam) => this.#handle(message, wParam));
  }

  /** Looks for messages; to be called each {@linkcode SESSION_END_INTERVAL_MS}. */
  work(): void {
    if (this.#inside) return;
    this.#inside = true;
    this.#window.takeMessages();
    this.#inside = false;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  close(): void {
    this.#window.close();
  }

  #handle(message: number, wParam: bigint): bigint | undefined {
    switch (message) {
      case WindowConstant.WM_QUERYENDSESSION:
        return 1n; // nobody is kept from shutting down
      case WindowConstant.WM_ENDSESSION:
        if (wParam !== 0n) this.#call(() => this.#handler.sessionEnds());
        return 0n;
      case WindowConstant.WM_CLOSE:
        this.#call(() => this.#handler.closeAsked());
        return 0n; // the window itself stays until everything is done
      default:
        return undefined;
    }
  }

  /** Nothing may be thrown through Windows' code. */
  #call(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#failure ??= { error };
    }
  }
}
