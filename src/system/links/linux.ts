/**
 * Links on a Linux desktop: an entry among the user's applications (Desktop Entry Specification), and its name in the
 * user's list of defaults (Association between MIME types and applications, `mimeapps.list`).
 *
 * @module
 */
import { readFileIfThere, removeFileIfThere, writeFileAtomic } from "../files/mod.ts";
import { addDefault, hasDefault, removeDefault } from "./mime_apps.ts";
import type { Links } from "./mod.ts";

/** Where the user's files are (XDG Base Directory Specification); undefined: the default. */
export interface DesktopFolders {
  home(): string | undefined;
  data(): string | undefined;
  config(): string | undefined;
}

const ENTRY = "lanparty-client-link.desktop";
const ENTRY_MODE = 0o644;

/** See {@linkcode Links}. */
export function linuxLinks(scheme: string, command: string, folders: DesktopFolders): Links {
  const type = `x-scheme-handler/${scheme}`;
  const home = () => {
    const folder = folders.home();
    if (folder) return folder;
    throw new Deno.errors.NotFound("HOME is not set, so there is no desktop");
  };
  const applications = () => `${folders.data() || `${home()}/.local/share`}/applications`;
  const config = () => folders.config() || `${home()}/.config`;
  const defaults = () => `${config()}/mimeapps.list`;
  const read = (path: string) => {
    const bytes = readFileIfThere(path);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  };
  const write = (path: string, text: string) =>
    writeFileAtomic(path, new TextEncoder().encode(text), ENTRY_MODE);
  return {
    isRegistered: () => read(`${applications()}/${ENTRY}`) !== undefined,
    register: (executable) => {
      Deno.mkdirSync(applications(), { recursive: true });
      Deno.mkdirSync(config(), { recursive: true });
      write(`${applications()}/${ENTRY}`, desktopEntry(executable, command, type));
      write(defaults(), addDefault(read(defaults()) ?? "", type, ENTRY));
    },
    unregister: () => {
      const list = read(defaults()) ?? "";
      if (hasDefault(list, type, ENTRY)) write(defaults(), removeDefault(list, type, ENTRY));
      const isOurs = read(`${applications()}/${ENTRY}`) !== undefined;
      if (isOurs) removeFileIfThere(`${applications()}/${ENTRY}`);
      return isOurs;
    },
  };
}

/** The entry; it takes a terminal, in which the player is asked. */
function desktopEntry(executable: string, command: string, type: string): string {
  return [
    "[Desktop Entry]",
    "Type=Application",
    "Name=lanparty",
    "Comment=Join the LAN party of an invite",
    `Exec=${quoteExec(executable)} ${command} -- %u`,
    "Terminal=true",
    "NoDisplay=true",
    `MimeType=${type};`,
    "",
  ].join("\n");
}

/** A word of an Exec line: quoted, with what its quotes do not protect, and the codes of fields, doubled or escaped. */
function quoteExec(word: string): string {
  if (/\p{Cc}/u.test(word)) {
    throw new Deno.errors.InvalidData(`${word}: a name with control characters`);
  }
  // Once for the quotes, and once for the value of a key, in which a backslash is written twice.
  const escaped = word.replaceAll(/["`$\\]/g, "\\$&").replaceAll("\\", "\\\\").replaceAll(
    "%",
    "%%",
  );
  return `"${escaped}"`;
}
