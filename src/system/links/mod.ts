/**
 * Which program a link of ours is opened by, for the user who runs this.
 *
 * @module
 */
import { linuxLinks } from "./linux.ts";
import { windowsLinks } from "./windows.ts";

/** The links of one scheme. */
export interface Links {
  /**
   * Has the user's links opened by an executable, in the place of whatever opened them before.
   *
   * @throws {Error} a failure of the system: it cannot be written down
   */
  register(executable: string): void;
  /**
   * Takes that back.
   *
   * @returns whether there was something of ours to take back: what is another program's stays
   */
  unregister(): boolean;
  /** Whether a program of ours opens them. */
  isRegistered(): boolean;
}

/** The scheme of our links. */
export const LINK_SCHEME = "lanparty";
/** What stands in front of the link when the program is started for it: behind it nothing is an option. */
export const OPEN_LINK = "open-link";

/** The links of the user who runs this. */
export const LINKS: Links = Deno.build.os === "windows"
  ? windowsLinks(LINK_SCHEME, OPEN_LINK)
  : linuxLinks(LINK_SCHEME, OPEN_LINK, {
    home: () => Deno.env.get("HOME"),
    data: () => Deno.env.get("XDG_DATA_HOME"),
    config: () => Deno.env.get("XDG_CONFIG_HOME"),
  });
