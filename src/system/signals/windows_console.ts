/**
 * The end of a program's console on Windows: its window is closed, or the player logs off.
 *
 * Windows ends the program as soon as its handler has returned, or after 5 s. Deno's own handler only
 * makes a signal of the event and returns, so that a listener would never run: this one returns when
 * everything is done. It is called on a thread of Windows' own, which waits until Deno's event loop has
 * run it on the program's thread.
 *
 * @module
 */

import { ConsoleConstant, HANDLER_ROUTINE, windowsConsole } from "../../ffi/windows_console.ts";

const LAST_EVENTS: ReadonlySet<number> = new Set([
  ConsoleConstant.CTRL_CLOSE_EVENT,
  ConsoleConstant.CTRL_LOGOFF_EVENT,
  ConsoleConstant.CTRL_SHUTDOWN_EVENT,
]);

/**
 * From now on calls this when the console goes away, on the program's thread, outside of any turn of
 * the reactor. What is to be done must be done when it returns.
 *
 * @returns how to end that
 */
export function onConsoleClosed(handler: () => void): { close(): void } {
  const callback = Deno.UnsafeCallback.threadSafe(HANDLER_ROUTINE, (event) => {
    if (!LAST_EVENTS.has(event)) return 0; // Ctrl-C is a signal, and Deno's
    handler();
    return 1;
  });
  windowsConsole().SetConsoleCtrlHandler(callback.pointer, 1);
  return {
    close() {
      windowsConsole().SetConsoleCtrlHandler(callback.pointer, 0);
      callback.close();
    },
  };
}

/** Does what must not be left half done: a Ctrl-C meanwhile is not heard, and has to be given again. */
export function withoutCtrlC<T>(work: () => T): T {
  const { SetConsoleCtrlHandler } = windowsConsole();
  SetConsoleCtrlHandler(null, 1);
  try {
    return work();
  } finally {
    SetConsoleCtrlHandler(null, 0);
  }
}
