/** Where a program keeps its state between starts. */

const FOLDER_MODE = 0o700;

/**
 * Finds, and makes where needed, the state folder of a program: the one that is asked for, else what
 * systemd gives (`STATE_DIRECTORY`, systemd.exec(5)), else `/var/lib/lanparty-…` for root, else the
 * user's own (`XDG_STATE_HOME`, XDG Base Directory Specification).
 *
 * @param part `relay`, `gateway` or `client`
 * @throws {Deno.errors.PermissionDenied} it cannot be made
 */
export function stateFolder(part: string, wanted: string | undefined): string {
  const folder = wanted ?? defaultFolder(part);
  Deno.mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  return folder;
}

function defaultFolder(part: string): string {
  const given = Deno.env.get("STATE_DIRECTORY")?.split(":")[0];
  if (given) return given;
  if (Deno.uid() === 0) return `/var/lib/lanparty-${part}`;
  const home = Deno.env.get("HOME") ?? "/";
  return `${Deno.env.get("XDG_STATE_HOME") || `${home}/.local/state`}/lanparty-${part}`;
}
