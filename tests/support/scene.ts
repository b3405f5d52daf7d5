/**
 * A party with a station on the LAN and one at the player's adapter, and the frame logs of all three
 * programs.
 */
import { assertGreater } from "@std/assert";
import { FrameLogReader } from "./frame_log.ts";
import { FrameStation } from "./frame_station.ts";
import { ethernet, pattern, toHex, type VlanTag } from "../../tools/lab/frames.ts";
import type { Namespace } from "../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../tools/lab/party.ts";
import { eventually } from "../../tools/lab/wait.ts";

export const PLAYER_MAC = "02:00:00:00:00:51";
export const PLAYER_ADDRESS = "10.77.0.50";
export const LAN_MAC = "52:54:00:00:00:01";
export const MULTICAST_MAC = "01:00:5e:00:00:fb";
/** An EtherType for experiments (IEEE 802): nothing in a system answers to it. */
export const TEST_TYPE = 0x88b6;
const ARRIVAL_TIMEOUT_MS = 3_000;
const ATTEMPTS_MAX = 3;

/** The stations and logs of a party. */
export interface Scene {
  readonly party: Party;
  readonly lan: FrameStation;
  /** The player's PC, and the station at its adapter. */
  readonly home: Namespace;
  readonly player: FrameStation;
  readonly relayLog: FrameLogReader;
  readonly gatewayLog: FrameLogReader;
  readonly clientLog: FrameLogReader;
}

/** What a scene has beside the usual. */
export interface SceneOptions {
  readonly gateway?: readonly string[];
  readonly client?: readonly string[];
  /** Called with the player's namespace before the client starts there. */
  readonly prepare?: (player: Namespace) => Promise<void>;
}

/** Starts relay, gateway and client, and the stations. Frames of VLANs pass everywhere. */
export async function openScene(party: Party, options: SceneOptions = {}): Promise<Scene> {
  const player = await party.addPlayer("player");
  await options.prepare?.(player);
  const lan = await FrameStation.open(party.lan, PARTY.lanInterface);
  await party.startRelay("--frame-log", party.frameLogFile("relay"), "--allow-vlan");
  const gatewayOptions = ["--allow-vlan", ...(options.gateway ?? [])];
  await party.startGateway("--frame-log", party.frameLogFile("gateway"), ...gatewayOptions);
  await party.startClient(
    player,
    ...["--virtual-mac", PLAYER_MAC, "--address", `${PLAYER_ADDRESS}/24`],
    ...["--frame-log", party.frameLogFile("client"), "--allow-vlan", ...(options.client ?? [])],
  );
  return {
    party,
    lan,
    home: player,
    player: await FrameStation.open(player, PARTY.tap),
    relayLog: new FrameLogReader(party.frameLogFile("relay")),
    gatewayLog: new FrameLogReader(party.frameLogFile("gateway")),
    clientLog: new FrameLogReader(party.frameLogFile("client")),
  };
}

/** The UDP port from which a program in this namespace is connected to its relay. */
export async function ownPortOf(namespace: Namespace): Promise<number> {
  const { stdout } = await namespace.run(["ss", "-H", "-u", "-n", "dport", "=", ":443"]);
  const [, port] = /:(\d+)\s+\S+:443\s*$/m.exec(stdout) ?? [];
  assertGreater(Number(port), 0, stdout);
  return Number(port);
}

let nextLengthBytes = 300;

/** Bytes of a length that none before had. */
export function uniquePayload(): Uint8Array<ArrayBuffer> {
  return pattern(nextLengthBytes++);
}

/** A frame of a length that no other has. */
export function testFrame(
  source: string,
  destination: string,
  tags: readonly VlanTag[] = [],
): Uint8Array<ArrayBuffer> {
  return ethernet({ source, destination, type: TEST_TYPE, payload: uniquePayload(), tags });
}

/** How many such frames a station has seen. */
export function countOf(station: FrameStation, frame: Uint8Array): number {
  const hex = toHex(frame);
  return station.frames.filter((seen) => toHex(seen.wireBytes) === hex).length;
}

/** Sends a frame until it arrives, a few times at most; says how often it was sent. */
export async function sendAcross(
  from: FrameStation,
  to: FrameStation,
  frame: Uint8Array,
): Promise<number> {
  for (let sent = 1;; sent++) {
    await from.send(frame);
    try {
      await eventually("the frame arrives", () => countOf(to, frame) > 0, ARRIVAL_TIMEOUT_MS);
      return sent;
    } catch (error) {
      if (sent === ATTEMPTS_MAX) throw error;
    }
  }
}
