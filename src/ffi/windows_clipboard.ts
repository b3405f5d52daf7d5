/**
 * Windows' clipboard (user32, kernel32), as far as its text is read.
 *
 * @module
 */

/** Constants of winuser.h, by their names there. */
export const ClipboardConstant = { CF_UNICODETEXT: 13 } as const;

const SYMBOLS = {
  IsClipboardFormatAvailable: { parameters: ["u32" /* format */], result: "i32" },
  OpenClipboard: { parameters: ["usize" /* hWndNewOwner */], result: "i32" },
  CloseClipboard: { parameters: [], result: "i32" },
  GetClipboardData: { parameters: ["u32" /* uFormat */], result: "usize" },
} as const satisfies Deno.ForeignLibraryInterface;

const KERNEL_SYMBOLS = {
  GlobalLock: { parameters: ["usize" /* hMem */], result: "pointer" },
  GlobalSize: { parameters: ["usize" /* hMem */], result: "usize" },
  GlobalUnlock: { parameters: ["usize" /* hMem */], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_CLIPBOARD_SYMBOLS = {
  "user32.dll": SYMBOLS,
  "kernel32.dll": KERNEL_SYMBOLS,
} as const;
