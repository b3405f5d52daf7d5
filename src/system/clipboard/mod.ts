/**
 * What the user has copied.
 *
 * On Linux nothing is read: the client runs as root there, which the user's desktop does not serve, and a
 * terminal takes a paste by itself.
 *
 * @module
 */
import { windowsClipboardText } from "./windows.ts";

/** The clipboard's text, its beginning where it is long; undefined: it has none, or another program has it open. */
export function clipboardText(): string | undefined {
  return Deno.build.os === "windows" ? windowsClipboardText() : undefined;
}
