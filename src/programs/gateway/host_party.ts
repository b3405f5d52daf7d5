/**
 * What `lanparty-gateway host` keeps of a party from start to start, and what becomes of it when options are given.
 *
 * @module
 */

/** Options as a configuration file has them: the texts of each, or that a switch is on. */
export type PartyOptionTexts = ReadonlyMap<string, readonly string[] | boolean>;

/** What a start has to go by. */
export interface HostWishes {
  /** What was kept by the start before; undefined: this is the first. */
  readonly kept: PartyOptionTexts | undefined;
  /** What the command line says; the fingerprint in its `relay` stands for itself here. */
  readonly given: PartyOptionTexts;
  /** What a new party is made of. */
  readonly make: () => { readonly room: string; readonly gatewayKey: string };
}

/** What is to be kept now. */
export interface HostParty {
  readonly options: PartyOptionTexts;
  /** The options whose values are others than those that were kept; of a new party none. */
  readonly changed: readonly string[];
}

/** Names of options. */
const KEY = "gateway-key";
const KEY_FILE = "gateway-key-file";
const CA = "relay-ca-cert";
const RELAY = "relay";
const FINGERPRINT = "relay-fingerprint";
const SERVER_NAME = "server-name";

/**
 * Puts together what is kept and what is given, which has precedence. What is known of a relay belongs to its address:
 * another address without a fingerprint is that of a relay with a certificate of a public CA.
 */
export function partyOf({ kept, given, make }: HostWishes): HostParty {
  const options = new Map(kept);
  const isElsewhere = given.has(RELAY) && !isSame(kept?.get(RELAY), given.get(RELAY));
  if (isElsewhere) { for (const name of [FINGERPRINT, SERVER_NAME, CA]) options.delete(name); }
  if (given.has(KEY)) options.delete(KEY_FILE);
  for (const [name, value] of given) options.set(name, value);
  const hasKey = options.has(KEY) || options.has(KEY_FILE);
  if (!options.has("room") || !hasKey) {
    const { room, gatewayKey } = make();
    if (!options.has("room")) options.set("room", [room]);
    if (!hasKey) options.set(KEY, [gatewayKey]);
  }
  const names = kept === undefined ? [] : [...new Set([...kept.keys(), ...options.keys()])];
  return {
    options,
    changed: names.filter((name) => !isSame(kept?.get(name), options.get(name))),
  };
}

/** What has changed of a party, for its host. @param changed as {@linkcode partyOf} gives it, and not empty */
export function changedText({ options, changed }: HostParty): string {
  const words = changed.flatMap((name) => {
    if (name === KEY) return ["another key, so that players need a new invite"];
    const value = options.get(name);
    return value === undefined ? [] : [`${name} ${value}`];
  });
  const isGone = (name: string) => changed.includes(name) && !options.has(name);
  if ((isGone(FINGERPRINT) || isGone(CA)) && !options.has(FINGERPRINT)) {
    words.push("the relay must now have a certificate of a public CA");
  }
  if (isGone(SERVER_NAME)) {
    words.push("the name in the relay's certificate must be that of its address");
  }
  return `Kept from now on: ${words.join(", ")}.`;
}

function isSame(
  one: readonly string[] | boolean | undefined,
  other: readonly string[] | boolean | undefined,
): boolean {
  return String(one) === String(other);
}

/** Letters and digits that nobody takes for each other. */
const ROOM_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const ROOM_PREFIX = "PARTY-";

/** How many random bytes a room's name takes. */
export const ROOM_NAME_BYTES = 10;

/** A room's code that nobody guesses, of {@linkcode ROOM_NAME_BYTES} random bytes: 50 bits of them count. */
export function roomName(random: Uint8Array): string {
  return ROOM_PREFIX + Array.from(random, (byte) => ROOM_ALPHABET[byte & 31]).join("");
}

/** What the host reads of a party that is open, beside its invite. */
export interface OpenParty {
  readonly interface: string;
  readonly relay: string;
  /** Where its options are kept. */
  readonly file: string;
  /** The folder of that file, where it is not the one of every party. */
  readonly stateDir: string | undefined;
  /** Whether systemd keeps it running. */
  readonly isService: boolean;
}

/** What a command needs to find a party: a space and the option, or nothing. */
export function stateDirWords(stateDir: string | undefined): string {
  if (stateDir === undefined) return "";
  const isPlain = /^[\w%+,./:=@-]+$/.test(stateDir);
  return ` --state-dir ${isPlain ? stateDir : `'${stateDir.replaceAll("'", "'\\''")}'`}`;
}

/** What was done, in a line or two. */
export function openText({ interface: name, relay, isService }: OpenParty): string {
  const how = isService ? "The party is open, as a service" : "The party is open";
  return `${how}: its LAN is at ${name}, its players come in by the relay ${relay}.`;
}

/** What the host does next. */
export function nextSteps({ file, stateDir, isService }: OpenParty): string {
  const words = stateDirWords(stateDir);
  const running = isService
    ? [
      "3. The gateway runs by itself, also after a restart of this machine. To end it:",
      "   lanparty-gateway host --remove",
    ]
    : [
      "3. Leave this window open while the party is on; Ctrl-C ends it. The next time",
      `   "lanparty-gateway host${words}" is enough. To have it run without a window, and after a`,
      `   restart of this machine: lanparty-gateway host --as-service${words}`,
    ];
  return [
    "What to do now:",
    "1. Send the invite to your players, and to nobody else: whoever has it can join.",
    "2. They start lanparty-client, and paste it.",
    ...running,
    `4. To see who is there: lanparty-gateway ctl players${isService ? "" : words}`,
    `The party's keys are kept in ${file}, for you alone.`,
  ].join("\n");
}
