/**
 * The command line of `lanparty-gateway`.
 *
 * @module
 */
import type { GatewayProgramOptions } from "../programs/gateway/program.ts";
import { CHECK_CONFIG, FRAME_LOG, STATE_DIR, statusOption } from "./common_options.ts";
import { REMOVAL_OPTIONS } from "./control_words.ts";
import {
  keyOf,
  keyOptions,
  NEW_PARTY_PLACE,
  PARTY_PLACE,
  RELAY_ACCESS,
  relayAccess,
} from "./endpoint_options.ts";
import { HOST_COMMAND, INTERFACE } from "./host_options.ts";
import { INVITE_WORDS, PARTY, PLAYERS_RELAY } from "./invite_text.ts";
import type { OptionValues, ProgramSpec } from "./options.ts";
import { VERSION } from "./version.ts";

const STATUS = statusOption(
  "serve /api/gateway (JSON), /metrics and /healthz over HTTP, such as 9466 (for this " +
    "machine only) or 192.0.2.1:9466; players' names and MACs can be read there",
);

/** `lanparty-gateway` */
export const GATEWAY_PROGRAM: ProgramSpec = {
  name: "lanparty-gateway",
  summary: "lanparty-gateway joins a LAN interface of this machine with a room.",
  examples: [
    "lanparty-gateway host --relay relay.example.org:443,FINGERPRINT",
    "lanparty-gateway new-key --relay relay.example.org --room PARTY > party.key",
    "lanparty-gateway --relay relay.example.org --room PARTY --gateway-key-file party.key " +
    "--interface eth0",
  ],
  commands: [
    HOST_COMMAND,
    CHECK_CONFIG,
    {
      name: "new-key",
      summary:
        "print a new gateway key, the room key for the players, and the hash for a relay's list, " +
        "and beside them (to standard error) the invite for the players",
      options: [...NEW_PARTY_PLACE, ...INVITE_WORDS],
    },
    {
      name: "invite",
      summary:
        "print the invite for the players, of the party that the options tell of; the gateway that runs " +
        "knows all of them: ctl invite",
      options: [...PARTY_PLACE, ...keyOptions("gateway"), ...INVITE_WORDS],
    },
    {
      name: "interfaces",
      summary: "list the interfaces of this machine that can be bridged, and why others cannot",
      options: [],
    },
    {
      name: "ctl",
      words: [
        { text: "invite", help: "print the invite for players; in a terminal with a QR code" },
        { text: "players", help: "list who is in the room" },
        {
          text: "kick PLAYER",
          help: "send a player away, and keep it out for an hour or --for TIME",
        },
        { text: "ban PLAYER|MAC", help: "keep a player out for 30 days or --for TIME" },
        { text: "ban ADDRESS", help: "the same for whoever has this address (of IPv6 its /64)" },
        { text: "unban MAC|ADDRESS", help: "take a ban back, by anything that bans shows" },
        { text: "bans", help: "list the bans" },
        { text: "lock", help: "let nobody new in" },
        { text: "unlock", help: "take that back" },
        { text: "release MAC", help: "give a MAC free that is kept for a player who has left" },
      ],
      summary:
        "invite, see and remove players, as the party's host, at the gateway that runs with this " +
        "--state-dir",
      options: [...REMOVAL_OPTIONS, PLAYERS_RELAY, ...INVITE_WORDS, STATE_DIR],
    },
    { name: "unit", summary: "print a systemd unit that starts this program with these options" },
  ],
  options: [
    ...RELAY_ACCESS,
    ...keyOptions("gateway"),
    { ...INTERFACE, required: true },
    PARTY,
    {
      name: "allow-router-advertisements",
      help:
        "let IPv6 router advertisements of the LAN through to players, where the relay does, too",
    },
    {
      name: "allow-vlan",
      help: "let players send frames of VLANs (802.1Q tags) to the LAN, where the relay does, too",
    },
    STATE_DIR,
    FRAME_LOG,
    STATUS,
  ],
};

/** What a checked command line says. */
export function gatewayOptions(values: OptionValues): GatewayProgramOptions {
  return {
    ...relayAccess(GATEWAY_PROGRAM, values),
    gatewayKey: keyOf("gateway", values),
    interface: values.required("interface"),
    allowRouterAdvertisements: values.flag("allow-router-advertisements"),
    allowVlan: values.flag("allow-vlan"),
    stateDir: values.text("state-dir"),
    frameLogFile: values.text("frame-log"),
    status: values.of(STATUS),
    partyName: values.of(PARTY),
    version: VERSION,
  };
}
