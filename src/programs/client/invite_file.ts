/**
 * Files that hold an invite, and whatever words its sender has put around it.
 *
 * @module
 */
import { INVITE_TEXT_MAX } from "../../control/invite.ts";
import { systemFailure, UserError } from "../../log/user_error.ts";
import { whyReadByOthers } from "../../system/files/mod.ts";

/** A text of the longest that an invite is looked for in is no longer than this. */
const FILE_BYTES_MAX = INVITE_TEXT_MAX * 4;
const STANDARD_INPUT = "-";

/** What a file says; or why it is not taken: one clause. */
export type InviteFileText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string };

/** The text of a file that nobody else may read; `-` is standard input (on Windows the
 * program may be started a second time, which has another one). Whether it is an invite is not looked at. */
export function readInviteFile(path: string): InviteFileText {
  try {
    if (path === STANDARD_INPUT && Deno.build.os !== "windows") return textOf(readAll(Deno.stdin));
    const why = whyReadByOthers(path);
    return why === undefined ? readInviteText(path) : { ok: false, why };
  } catch (cause) {
    return unreadable(cause);
  }
}

/** The same, whoever else may read it: of files that lie beside the program. */
export function readInviteText(path: string): InviteFileText {
  try {
    using file = Deno.openSync(path);
    return textOf(readAll(file));
  } catch (cause) {
    return unreadable(cause);
  }
}

function unreadable(cause: unknown): InviteFileText {
  const failure = systemFailure("it cannot be read", cause);
  if (failure instanceof UserError) return { ok: false, why: failure.message };
  throw failure;
}

function textOf(bytes: Uint8Array): InviteFileText {
  if (bytes.length > FILE_BYTES_MAX) return { ok: false, why: "it is too long to hold an invite" };
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe; // as Windows' editor may write it
  return { ok: true, text: new TextDecoder(isUtf16 ? "utf-16le" : "utf-8").decode(bytes) };
}

/** All that there is, and one byte more than there may be at most. */
function readAll(file: { readSync(into: Uint8Array): number | null }): Uint8Array {
  const bytes = new Uint8Array(FILE_BYTES_MAX + 1);
  let length = 0;
  while (length < bytes.length) {
    const read = file.readSync(bytes.subarray(length));
    if (read === null || read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}
