/**
 * A window that nobody sees: to be told what only windows are told. Its messages are handed over on
 * the thread that asks for them.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import { wideString } from "../../ffi/wide_string.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import {
  MSG,
  WINDOW_PROCEDURE,
  WindowConstant,
  WINDOWS_WINDOW_SYMBOLS,
  WNDCLASSW,
} from "../../ffi/windows_window.ts";

/** Messages taken by one look: a flood of them must not hold the program up. */
const MESSAGES_MAX = 64;

/**
 * Answers a message; undefined: Windows answers it as it does for any window. Called on the thread
 * that has made the window, inside one of its calls: it must not throw.
 */
export type MessageHandler = (message: number, wParam: bigint) => bigint | undefined;

/** A window that is never shown. It belongs to the thread that makes it. */
export class HiddenWindow {
  readonly #user: Deno.DynamicLibrary<(typeof WINDOWS_WINDOW_SYMBOLS)["user32.dll"]>;
  readonly #className: Uint16Array<ArrayBuffer>;
  readonly #procedure: Deno.UnsafeCallback<typeof WINDOW_PROCEDURE>;
  readonly #instance: bigint;
  readonly #window: bigint;
  readonly #message = new Struct(MSG);

  /** @throws {WindowsError} there can be none, such as in a session without a desktop */
  constructor(className: string, handler: MessageHandler) {
    this.#user = Deno.dlopen(systemDll("user32.dll"), WINDOWS_WINDOW_SYMBOLS["user32.dll"]);
    this.#className = wideString(className);
    const { symbols } = this.#user;
    this.#procedure = new Deno.UnsafeCallback(
      WINDOW_PROCEDURE,
      (window, message, wParam, lParam) =>
        handler(message, wParam) ?? symbols.DefWindowProcW(window, message, wParam, lParam),
    );
    const kernel = Deno.dlopen(systemDll("kernel32.dll"), WINDOWS_WINDOW_SYMBOLS["kernel32.dll"]);
    this.#instance = kernel.symbols.GetModuleHandleW(null);
    kernel.close();
    this.#window = this.#create();
    if (this.#window === 0n) {
      const error = new WindowsError("CreateWindowExW");
      this.#release();
      throw error;
    }
  }

  /** Hands messages that have come to the handler. */
  takeMessages(): void {
    const { PeekMessageW, DispatchMessageW } = this.#user.symbols;
    const { bytes } = this.#message;
    for (let i = 0; i < MESSAGES_MAX; i++) {
      // What was sent, and not posted, is handed over inside the first call, and is no result of it.
      if (PeekMessageW(bytes, this.#window, 0, 0, WindowConstant.PM_REMOVE) === 0) return;
      DispatchMessageW(bytes);
    }
  }

  /** Takes the window away. It must not be called by the handler. */
  close(): void {
    this.#user.symbols.DestroyWindow(this.#window);
    this.#release();
  }

  #create(): bigint {
    const { symbols } = this.#user;
    const kind = new Struct(WNDCLASSW)
      .setPointer("lpfnWndProc", this.#procedure.pointer)
      .setBuffer("lpszClassName", this.#className);
    kind.setPointer("hInstance", Deno.UnsafePointer.create(this.#instance));
    if (symbols.RegisterClassW(kind.bytes) === 0) return 0n;
    // Not a child of HWND_MESSAGE: such a window is not told of a session's end.
    return symbols.CreateWindowExW(
      0,
      this.#className,
      wideString(""),
      0,
      ...[0, 0, 0, 0] as const,
      ...[0n, 0n, this.#instance] as const,
      null,
    );
  }

  #release(): void {
    this.#user.symbols.UnregisterClassW(this.#className, this.#instance);
    this.#procedure.close();
    this.#user.close();
  }
}
