/**
 * What `new-key` says beside the keys: what players are to be sent.
 *
 * @module
 */
import type { OptionValues } from "./options.ts";
import { INVITATION } from "./endpoint_options.ts";

/** What stands for an option that whoever makes the key has not given. */
const PLACEHOLDERS: Readonly<Record<string, string>> = { relay: "RELAY", room: "ROOM" };

/**
 * The line and the file for players, ready to be sent: as a command line on Linux, and as `lanparty.toml` on
 * Windows.
 *
 * @param roomKey as it is printed
 */
export function invitationText(values: OptionValues, roomKey: string): string {
  const names = INVITATION.map(({ name }) => name);
  const told = [
    ...names.map((name) => [name, given(values, name) ?? PLACEHOLDERS[name]] as const),
    ["room-key", roomKey] as const,
  ].flatMap(([name, text]) => text === undefined ? [] : [{ name, text }]);
  const missing = Object.keys(PLACEHOLDERS).filter((name) => values.text(name) === undefined);
  return [
    "For the players. On Linux, as root:",
    "",
    `  lanparty-client ${told.map(({ name, text }) => `--${name} ${shellWord(text)}`).join(" ")}`,
    "",
    "On Windows, as a file lanparty.toml in the folder of lanparty-client.exe:",
    "",
    ...told.map(({ name, text }) => `  ${name} = ${JSON.stringify(text)}`),
    ...(missing.length === 0 ? [] : ["", howToFillIn(missing)]),
  ].join("\n");
}

function howToFillIn(missing: readonly string[]): string {
  const words = missing.map((name) => PLACEHOLDERS[name]).join(" and ");
  const options = [...missing.map((name) => `--${name}`), "--relay-fingerprint"].join(", ");
  return `Put in ${words} before you send it; new-key takes ${options}, too.`;
}

/** What was given for an option; of a relay's more ways, all. */
function given(values: OptionValues, name: string): string | undefined {
  const texts = values.list(name).map((text) => text.trim());
  return texts.length === 0 ? undefined : texts.join(",");
}

/** A text as one word of a shell's line. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9_.,:\/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
