/**
 * Windows' windows (user32), as far as a program needs one that nobody sees.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

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
export const WINDOW_PROCEDURE = {
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
