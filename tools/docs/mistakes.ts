/**
 * `docs/MISTAKES.md`: mistakes that newcomers make, what they are told, and which tests make the same mistake.
 *
 * What is told is either a sentence of docs/SENTENCES.md, or stands in a source as it stands here, but for values.
 */
import { sentenceLine } from "../../src/observe/sentences.ts";
import { type SentenceKey, sentenceOfKey } from "./sentence_areas.ts";

/** What somebody did, and what comes of it. */
export type Mistake =
  & { readonly mistake: string }
  & (
    | { readonly sentence: SentenceKey }
    | {
      /** What is told; `{name}` stands for a value. */
      readonly told: string;
      /** The source that says it, below `src`. */
      readonly source: string;
      readonly tests: readonly TestPlace[];
    }
  );

/** A test's file, below `tests` and without its end, and a part of the test's name. */
export type TestPlace = readonly [file: string, name: string];

/** All of them, in the order in which a newcomer comes to them. */
export const MISTAKES: readonly Mistake[] = [
  {
    mistake: "`host` without a relay",
    told:
      "which relay? Give --relay ADDRESS:PORT,FINGERPRINT: lanparty-relay install prints it, on a server that " +
      "everybody reaches",
    source: "cli/host.ts",
    tests: [["e2e/gateway/host", "without a relay it says where one comes from"]],
  },
  {
    mistake: "the relay's line was not copied to its end",
    told: "its fingerprint is damaged, which has 43 characters: copy the line again",
    source: "cli/host_options.ts",
    tests: [["unit/cli/host", "a relay whose fingerprint is damaged"]],
  },
  {
    mistake: "`host` on a machine with two cards, without a terminal",
    told:
      "which interface leads to the party's LAN? Give --interface {names} (lanparty-gateway interfaces says more of each)",
    source: "programs/gateway/host_interface.ts",
    tests: [["e2e/gateway/host", "without a terminal"]],
  },
  {
    mistake: "an invite that was not copied to its end",
    told: "this invite is cut off: {what} missing; {copy}",
    source: "control/invite.ts",
    tests: [
      ["unit/control/invite", "what is wrong with an invite is said"],
      ["vectors/invite_vectors", "what is no invite, and in which way"],
    ],
  },
  {
    mistake: "an invite with a wrong character",
    told: "this invite is damaged: {how}; {copy}",
    source: "control/invite.ts",
    tests: [["fuzz/control/invite", "one wrong character is found, and named by its number"]],
  },
  {
    mistake: "an invite of a newer version",
    told: "this invite was made by a newer lanparty: get the newest client",
    source: "control/invite.ts",
    tests: [["unit/control/invite", "what is wrong with an invite is said"]],
  },
  {
    mistake: "a sentence, quotes, a mail's line breaks or a link's head around an invite",
    told: "(nothing: the invite is taken)",
    source: "control/invite.ts",
    tests: [["vectors/invite_vectors", "invites in whatever people paste"]],
  },
  {
    mistake: "an invite and `--room`",
    told: "--{invite} and --{other}: give one of them",
    source: "cli/stand_in.ts",
    tests: [["unit/cli/invite_options", "what an invite says is not given a second time"]],
  },
  {
    mistake: "a key whose last character is mistyped",
    told: "this key is damaged: its last character, which checks the others, does not fit; {again}",
    source: "control/printed_key.ts",
    tests: [["unit/control/printed_key", "what is wrong with a key is said"]],
  },
  {
    mistake: "spaces, quotes, `room-key` in front of a key, or the whole line",
    told: "(nothing: the key is taken)",
    source: "control/printed_key.ts",
    tests: [["unit/control/printed_key", "a key is read from whatever people paste"]],
  },
  {
    mistake: "the room key given as the gateway key",
    told:
      "this is a room key, which is for players: the gateway takes the gateway key, which begins with gateway_",
    source: "control/printed_key.ts",
    tests: [["unit/control/printed_key", "what is wrong with a key is said"]],
  },
  {
    mistake: "the gateway key given to a player",
    told:
      "this is a gateway key, which only the party's host has: players take the room key, which begins with room_",
    source: "control/printed_key.ts",
    tests: [["unit/control/printed_key", "what is wrong with a key is said"]],
  },
  {
    mistake: "no key given",
    told:
      "The relay does not let you in without a key: give the one that the host knows, with --{option} or " +
      "--{option}-file. If the party has none, the room is locked.",
    source: "observe/relay_advice.ts",
    tests: [["unit/observe/refusal", "a refusal says once"]],
  },
  { mistake: "a wrong key at a relay that asks for one", sentence: "lan/silent-alone" },
  {
    mistake: "any refusal",
    told: "The room is full. Ask the host to let more players in.",
    source: "observe/relay_advice.ts",
    tests: [["unit/observe/refusal", "a refusal says once"]],
  },
  {
    mistake: "the MAC is in use, and stays so",
    told:
      "{gaveUp}: somebody in the room has your MAC. If this PC was copied from another one, {file} and start again.",
    source: "observe/relay_advice.ts",
    tests: [["unit/observe/refusal", "a refusal says once"]],
  },
  {
    mistake: "a second client on one PC",
    told:
      'lanparty-client runs already (process {pid}) and has the adapter "{name}": end that one, or give this one ' +
      "another --tap-name and --state-dir",
    source: "programs/client/platform_linux.ts",
    tests: [["e2e/party/mistakes", "a client is started twice"]],
  },
  {
    mistake: "root in a container without CAP_NET_ADMIN",
    told:
      "it needs the right CAP_NET_ADMIN, which root does not have here; in a container give it " +
      "--cap-add NET_ADMIN --device /dev/net/tun",
    source: "programs/client/platform_linux.ts",
    tests: [["e2e/party/usage", "interfaces that cannot be bridged, and rights that are missing"]],
  },
  {
    mistake: "no /dev/net/tun",
    told:
      "there is no {device}, which makes network adapters: load the kernel's module (modprobe tun), or give the " +
      "container --device {device}",
    source: "programs/client/platform_linux.ts",
    tests: [["e2e/party/mistakes", "a client is started twice"]],
  },
  {
    mistake: "HOME unset",
    told: "HOME is not set, so the state folder has no place: give --state-dir",
    source: "programs/common/state_dir.ts",
    tests: [["e2e/party/mistakes", "a client is started twice"]],
  },
  {
    mistake: "a file that is not there, or may not be read",
    told: "there is no such file",
    source: "programs/relay/identity.ts",
    tests: [
      ["e2e/party/usage", "files and folders that cannot be used"],
      ["unit/log/user_error", "a failure of the system is told in its words"],
    ],
  },
  {
    mistake: "an older glibc",
    told:
      "this system's C library (glibc {running}) is too old: lanparty needs {least} or later, which Debian 12 and " +
      "Ubuntu 22.04 have",
    source: "programs/common/native_library.ts",
    tests: [["unit/programs/common/native_library", "a glibc that is too old is one line"]],
  },
  {
    mistake: "`ctl --state-dir D rooms`: a command behind its options",
    told: "(nothing: any order will do)",
    source: "cli/arguments.ts",
    tests: [["unit/cli/options", "a command is the first word, in whatever order options stand"]],
  },
  {
    mistake: "`--address 192.168.001.7/24`",
    told: "an IPv4 address like 192.168.1.77/24",
    source: "cli/client_options.ts",
    tests: [["unit/cli/options", "an address that some readers take for octal is refused"]],
  },
  {
    mistake: "a key on the command line of `unit`",
    told:
      "{option}: everybody on this machine can read a unit. Put the key into a file of root's (chmod 600), and give",
    source: "cli/unit_command.ts",
    tests: [["unit/cli/gateway_unit", "a key on unit's command line is refused"]],
  },
  { mistake: "a relay with nothing but IPv6, where there is none", sentence: "relay/no-ipv6" },
  { mistake: "the relay does not run", sentence: "relay/nobody-listens" },
  { mistake: "UDP is blocked", sentence: "relay/silent" },
  { mistake: "no name server answers", sentence: "relay/no-name-server" },
  { mistake: "the relay's name is mistyped", sentence: "relay/no-address" },
  { mistake: "the LAN's interface was renamed", sentence: "link/renamed" },
  { mistake: "a firewall on the player's Linux PC", sentence: "firewall/shut" },
  { mistake: "`--cert` has expired", sentence: "certificate/expired" },
  { mistake: "`--cert` expires soon", sentence: "certificate/expires" },
  {
    mistake: "a relay's state restored without its key",
    told:
      "but its key, {file}, is gone. A new key has another fingerprint: whoever has the old one {fingerprint} could " +
      "not join any more. Put {file} back; or, if it is lost, start with --new-key, and send everybody the new fingerprint",
    source: "programs/relay/identity.ts",
    tests: [
      ["e2e/party/mistakes", "a relay's state is restored without its key"],
      ["unit/programs/relay/certificate_keeper", "a lost key is made anew only if that is wanted"],
    ],
  },
];

/** The document's text. */
export function formatMistakesDocument(): string {
  const rows = MISTAKES.map((one) => `| ${one.mistake} | ${toldText(one)} | ${shownText(one)} |`);
  return `# Mistakes, and what is printed

What newcomers do, tried one by one with the executables. A test fails when a program says something else than this table, and
when a row's test is not there. In what is printed \`{name}\` stands for a value.

| mistake | what is printed | made by |
|---|---|---|
${rows.join("\n")}

This file is written by \`deno task docs\`.
`;
}

/** What somebody reads who makes the mistake. */
function toldText(one: Mistake): string {
  const text = "sentence" in one ? sentenceLine(sentenceOfKey(one.sentence)) : one.told;
  return text.replaceAll(/[|<>*_\\]/g, "\\$&");
}

function shownText(one: Mistake): string {
  if ("sentence" in one) return `[\`${one.sentence}\`](SENTENCES.md)`;
  return one.tests.map(([file, name]) => `[${file}](../tests/${file}_test.ts): ${name}`).join(
    "<br>",
  );
}
