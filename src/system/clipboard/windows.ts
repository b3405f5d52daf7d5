/**
 * The text of Windows' clipboard.
 *
 * @module
 */
import { systemDll } from "../../ffi/system_dll.ts";
import { readWideString } from "../../ffi/wide_string.ts";
import { ClipboardConstant, WINDOWS_CLIPBOARD_SYMBOLS } from "../../ffi/windows_clipboard.ts";

/** Of a longer text only the beginning is read, in UTF-16 units. */
const TEXT_UNITS_MAX = 4_096;
const UNIT_BYTES = 2;

/** The beginning of the text; undefined: there is none, or another program has the clipboard open. */
export function windowsClipboardText(): string | undefined {
  const user = Deno.dlopen(systemDll("user32.dll"), WINDOWS_CLIPBOARD_SYMBOLS["user32.dll"]);
  try {
    const { symbols } = user;
    const { CF_UNICODETEXT } = ClipboardConstant;
    if (symbols.IsClipboardFormatAvailable(CF_UNICODETEXT) === 0) return undefined;
    if (symbols.OpenClipboard(0n) === 0) return undefined;
    try {
      const handle = symbols.GetClipboardData(CF_UNICODETEXT);
      return handle === 0n ? undefined : textAt(handle);
    } finally {
      symbols.CloseClipboard();
    }
  } finally {
    user.close();
  }
}

/** The text in a block of memory that another program has filled: it need not end with a zero. */
function textAt(handle: bigint): string | undefined {
  const library = WINDOWS_CLIPBOARD_SYMBOLS["kernel32.dll"];
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), library);
  try {
    const { GlobalLock, GlobalSize, GlobalUnlock } = kernel.symbols;
    const pointer = GlobalLock(handle);
    if (pointer === null) return undefined;
    try {
      const units = Math.min(Number(GlobalSize(handle)) / UNIT_BYTES, TEXT_UNITS_MAX);
      const bytes = Math.floor(units) * UNIT_BYTES;
      const view = new Deno.UnsafePointerView(pointer).getArrayBuffer(bytes);
      return readWideString(new Uint16Array(view));
    } finally {
      GlobalUnlock(handle);
    }
  } finally {
    kernel.close();
  }
}
