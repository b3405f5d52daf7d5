/**
 * The command line of `lanparty-gateway host`, and what of it is kept.
 *
 * @module
 */
import { type EndpointAddress, formatEndpointAddress } from "../control/address.ts";
import type { PartyOptionTexts } from "../programs/gateway/host_party.ts";
import { parseFingerprint } from "../trust/fingerprint.ts";
import { UserError } from "../log/user_error.ts";
import { STATE_DIR } from "./common_options.ts";
import { keyOptions, parseRelays, RELAY_FINGERPRINT, ROOM } from "./endpoint_options.ts";
import { PARTY } from "./invite_text.ts";
import {
  type CommandSpec,
  LOG_FORMAT,
  LOG_LEVEL,
  type OptionSpec,
  type OptionValues,
} from "./options.ts";
import { Unfit } from "./unfit.ts";

/** The LAN's interface. */
export const INTERFACE: OptionSpec = {
  name: "interface",
  value: "NAME",
  help: "the LAN's interface, such as eth0",
};

/** Where a relay is, and by what it is known. */
export interface HostRelay {
  /** Ways to it, the best first. */
  readonly relays: readonly EndpointAddress[];
  readonly fingerprint: string | undefined;
}

/** The relay, in the one line that `lanparty-relay` gives to its administrator. */
const HOST_RELAY: OptionSpec<HostRelay> = {
  name: "relay",
  value: "ADDRESS,FINGERPRINT",
  help:
    "the relay, as its administrator has it: address, port (443 where none is given) and fingerprint. It " +
    "goes without a fingerprint only where the relay has a certificate of a public CA. More addresses with " +
    "commas between are other ways to the same relay",
  parse: parseHostRelay,
};

const AS_SERVICE = "as-service";
const REMOVE = "remove";
const FORGET = "forget";

/** What `host` is to do. */
export type HostTask = "run" | "serve" | "remove" | "forget";

/** What a command line has `host` do. @throws {UserError} two things at once */
export function hostTask(values: OptionValues): HostTask {
  const [serves, removes, forgets] = [AS_SERVICE, REMOVE, FORGET].map((name) => values.flag(name));
  const refuse = (why: string) => new UserError(why, { usage: true });
  if (serves && removes) throw refuse(`--${AS_SERVICE} and --${REMOVE}: give one of them`);
  if (forgets && !removes) throw refuse(`--${FORGET} goes with --${REMOVE}`);
  if (!removes) return serves ? "serve" : "run";
  const stray = HOST_COMMAND.options?.find(({ name, value }) =>
    value !== undefined && name !== STATE_DIR.name && values.list(name).length > 0
  );
  if (stray !== undefined) throw refuse(`--${REMOVE} and --${stray.name}: give one of them`);
  return forgets ? "forget" : "remove";
}

/** `lanparty-gateway host` */
export const HOST_COMMAND: CommandSpec = {
  name: "host",
  summary:
    "open a party in this machine's LAN, and print the invite for the players. All is kept: the " +
    "second start needs no options, and options that are given change what is kept",
  options: [
    HOST_RELAY,
    RELAY_FINGERPRINT,
    {
      ...INTERFACE,
      help: `${INTERFACE.help}; without it the only one that is fit, or one that you choose`,
    },
    PARTY,
    {
      ...ROOM,
      required: false,
      help:
        "the room's code, where it must be a certain one; without it one is made that nobody guesses",
    },
    ...keyOptions("gateway"),
    {
      name: AS_SERVICE,
      help:
        "have systemd run the party, now and whenever this machine starts, and come back at once",
    },
    { name: REMOVE, help: "end that, and take away what was made for it; the party's keys stay" },
    { name: FORGET, help: "with --remove: forget the party, too; its invites are dead then" },
    {
      ...STATE_DIR,
      help:
        "where the party's options and keys are kept; by default /var/lib/lanparty-host, or a folder of the user's",
    },
  ],
};

/** Words that look like a fingerprint, or what is left of one, and like no host. */
const FINGERPRINT_LIKE = /^[A-Za-z0-9_+/=-]{30,}$/;
/** What every address has behind the first one, so that no piece of a fingerprint, however short, is one. */
const ADDRESS_LIKE = /[.:[]/;
const DAMAGED = new Unfit(
  "its fingerprint is damaged, which has 43 characters: copy the line again (a second address has a dot or a port)",
);

/** `ADDRESS,FINGERPRINT`, in any order and with more addresses. */
export function parseHostRelay(text: string): HostRelay | Unfit {
  const words = text.split(",").map((word) => word.trim());
  const first = words.findIndex((word) => parseFingerprint(word) === undefined);
  const isFingerprint = (word: string, at: number) =>
    FINGERPRINT_LIKE.test(word) || (at > first && !ADDRESS_LIKE.test(word));
  const fingerprints = words.filter(isFingerprint);
  if (fingerprints.some((word) => parseFingerprint(word) === undefined)) return DAMAGED;
  if (fingerprints.length > 1) return new Unfit("there are several fingerprints in it: give one");
  const [word] = fingerprints;
  const fingerprint = word === undefined ? undefined : parseFingerprint(word);
  const relays = parseRelays(words.filter((one) => one !== word).join());
  return relays === undefined
    ? new Unfit("expected ADDRESS:PORT,FINGERPRINT, as the relay's administrator has it")
    : { relays, fingerprint };
}

/**
 * What a command line says of the party, as a configuration file would.
 *
 * @param key the gateway key that it says, as it is printed
 * @throws {UserError} it says two things of the relay
 */
export function givenParty(values: OptionValues, key: string | undefined): PartyOptionTexts {
  const given = new Map<string, readonly string[]>();
  const put = (name: string, text: string | undefined) => {
    if (text !== undefined) given.set(name, [text]);
  };
  const relay = values.of(HOST_RELAY);
  const fingerprint = values.of(RELAY_FINGERPRINT);
  if (
    relay?.fingerprint !== undefined && (fingerprint ?? relay.fingerprint) !== relay.fingerprint
  ) {
    throw new UserError("--relay and --relay-fingerprint name two fingerprints: give one", {
      usage: true,
    });
  }
  put(HOST_RELAY.name, relay?.relays.map(formatEndpointAddress).join());
  put(RELAY_FINGERPRINT.name, fingerprint ?? relay?.fingerprint);
  put(INTERFACE.name, values.text(INTERFACE.name));
  put(PARTY.name, values.of(PARTY));
  put(ROOM.name, values.of(ROOM));
  put("gateway-key", key);
  return given;
}

/** What a command line says of the log, where that is not the default: a service takes it as its own. */
export function logWords(values: OptionValues): string[] {
  return [LOG_LEVEL, LOG_FORMAT].flatMap((spec) => {
    const text = values.text(spec.name);
    return text === undefined || text === spec.default ? [] : [`--${spec.name}`, text];
  });
}
