/**
 * Windows' windows (user32), as far as a program needs one that nobody sees: to be told what only
 * windows are told. Its messages are handed over on the thread that asks for them.
 *
 * @module
 */

import { Struct, type StructLayout } from "./layout.ts";
import { systemDll } from "./system_dll.ts";
import { wideString } from "./wide_string.ts";
import { WindowsError, windowsKernel } from "./windows_kernel.ts";

const WINUSER = "https://learn.microsoft.com/windows/win32/api/winuser";

/** What the windows of one kind have in common. */
export const WNDCLASSW = {
  name: "WNDCLASSW",
  header: "windows.h",
  page: `${WINUSER}/ns-winuser-wndclassw`,
  sizeBytes: 72,
  fields: {
    lpfnWndProc: { offset: 8, type: "pointer" },
    hInstance: { offset: 24, type: "pointer" },
    lpszClassName: { offset: 64, type: "pointer" },
  },
} as const satisfies StructLayout;

/** A message that was posted to a window. */
export const MSG = {
  name: "MSG",
  header: "windows.h",
  page: `${WINUSER}/ns-winuser-msg`,
  sizeBytes: 48,
  fields: { message: { offset: 8, type: "u32" } },
} as const satisfies StructLayout;

/** Constants of winuser.h, by their names there. */
export const WindowConstant = {
  WM_CLOSE: 0x10,
  WM_QUERYENDSESSION: 0x11,
  WM_ENDSESSION: 0x16,
  PM_REMOVE: 1,
} as const;

/** `WNDPROC`: the function that a window's messages are handed to. */
const WINDOW_PROCEDURE = {
  parameters: ["usize", /* hWnd */ "u32", /* uMsg */ "usize", /* wParam */ "isize" /* lParam */],
  result: "isize",
} as const satisfies Deno.UnsafeCallbackDefinition;

const SYMBOLS = {
  RegisterClassW: { parameters: ["buffer" /* lpWndClass */], result: "u16" },
  UnregisterClassW: {
    parameters: ["buffer", /* lpClassName */ "usize" /* hInstance */],
    result: "i32",
  },
  CreateWindowExW: {
    parameters: [
      "u32", /* dwExStyle */
      "buffer", /* lpClassName */
      "buffer", /* lpWindowName */
      "u32", /* dwStyle */
      "i32", /* X */
      "i32", /* Y */
      "i32", /* nWidth */
      "i32", /* nHeight */
      "usize", /* hWndParent */
      "usize", /* hMenu */
      "usize", /* hInstance */
      "pointer", /* lpParam */
    ],
    result: "usize",
  },
  DestroyWindow: { parameters: ["usize" /* hWnd */], result: "i32" },
  DefWindowProcW: {
    parameters: ["usize", /* hWnd */ "u32", /* Msg */ "usize", /* wParam */ "isize" /* lParam */],
    result: "isize",
  },
  PeekMessageW: {
    parameters: [
      "buffer", /* lpMsg, out */
      "usize", /* hWnd */
      "u32", /* wMsgFilterMin */
      "u32", /* wMsgFilterMax */
      "u32", /* wRemoveMsg */
    ],
    result: "i32",
  },
  DispatchMessageW: { parameters: ["buffer" /* lpMsg */], result: "isize" },
} as const satisfies Deno.ForeignLibraryInterface;

const KERNEL_SYMBOLS = {
  GetModuleHandleW: { parameters: ["pointer" /* lpModuleName */], result: "usize" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_WINDOW_SYMBOLS = {
  "user32.dll": SYMBOLS,
  "kernel32.dll": KERNEL_SYMBOLS,
} as const;

/** Messages taken by one look: a flood of them must not hold the program up. */
const MESSAGES_MAX = 64;

/**
 * Answers a message; undefined: Windows answers it as it does for any window. Called on the thread
 * that has made the window, inside one of its calls: it must not throw.
 */
export type MessageHandler = (message: number, wParam: bigint) => bigint | undefined;

/** A window that is never shown. It belongs to the thread that makes it. */
export class HiddenWindow {
  readonly #user: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #className: Uint16Array<ArrayBuffer>;
  readonly #procedure: Deno.UnsafeCallback<typeof WINDOW_PROCEDURE>;
  readonly #instance: bigint;
  readonly #window: bigint;
  readonly #message = new Struct(MSG);

  /** @throws {WindowsError} there can be none, such as in a session without a desktop */
  constructor(className: string, handler: MessageHandler) {
    this.#user = Deno.dlopen(systemDll("user32.dll"), SYMBOLS);
    this.#className = wideString(className);
    const { symbols } = this.#user;
    this.#procedure = new Deno.UnsafeCallback(
      WINDOW_PROCEDURE,
      (window, message, wParam, lParam) =>
        handler(message, wParam) ?? symbols.DefWindowProcW(window, message, wParam, lParam),
    );
    const kernel = Deno.dlopen(systemDll("kernel32.dll"), KERNEL_SYMBOLS);
    this.#instance = kernel.symbols.GetModuleHandleW(null);
    kernel.close();
    this.#window = this.#create();
    if (this.#window === 0n) {
      const error = new WindowsError("CreateWindowExW", windowsKernel().GetLastError());
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
