/** A party in which crafted frames are sent, and judged by what arrives and by what the frame logs say. */
import { assertEquals } from "@std/assert";
import { CertificateFiles, relayCertificate } from "../../support/certificates.ts";
import { FrameLogReader } from "../../support/frame_log.ts";
import { FrameStation } from "../../support/frame_station.ts";
import { join, toHex } from "../../../tools/lab/frames.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import type { Step } from "../../support/play.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import type { FilterCase } from "./filter_frames.ts";

export const PLAYER_MAC = "02:00:00:00:00:51";
export const RAW_MAC = "02:00:00:00:00:52";
export const LAN_MAC = "52:54:00:00:00:01";
export const SPOOFED_MAC = "02:00:00:00:00:99";
export const GROUP_MAC = "33:33:00:00:12:34";
/** Frames of the tests are longer than what systems say of themselves, and each has its own length. */
export const LENGTH_MIN = 420;
/** Frames sent at a time: few enough to need no queue. */
const BATCH = 16;
/** A busy machine may lose frames; a wrong filter loses them always. */
export const ATTEMPTS_MAX = 4;
export const ARRIVAL_TIMEOUT_MS = 2_000;

/** The stations and logs of a party. */
export interface Scene {
  readonly party: Party;
  readonly lan: FrameStation;
  readonly player: FrameStation;
  readonly relayLog: FrameLogReader;
  readonly gatewayLog: FrameLogReader;
  readonly clientLog: FrameLogReader;
  readonly certificates: CertificateFiles;
}

export type FramePair = Pick<FilterCase, "bad" | "good">;

/** Where frames come from, where they are expected, and who logs their drops. */
export interface Way {
  readonly from: FrameStation;
  readonly to: FrameStation;
  readonly log: FrameLogReader;
}

/** A party with stations at both ends. VLANs are let through everywhere, unless told otherwise. */
export async function openScene(
  party: Party,
  options: { relayOptions?: readonly string[]; vlan?: boolean } = {},
): Promise<Scene> {
  const { relayOptions = [], vlan = true } = options;
  const allow = vlan ? ["--allow-vlan"] : [];
  const certificates = await CertificateFiles.make(party.folder);
  const player = await party.addPlayer("player");
  await party.lan.ip("link", "set", PARTY.lanInterface, "mtu", "2000");
  await party.gateway.ip("link", "set", PARTY.gatewayInterface, "mtu", "2000");
  await party.startRelay(
    ...["--frame-log", party.frameLogFile("relay"), "--policy", "open", ...relayOptions],
    ...allow,
    ...relayCertificate(await certificates.issue()),
  );
  const trust = certificates.trustOptions;
  // So that it is the relay that is asked.
  const open = ["--allow-router-advertisements", "--frame-log", party.frameLogFile("gateway")];
  await party.startGateway(...open, ...trust, ...allow);
  await party.startClient(
    player,
    ...["--virtual-mac", PLAYER_MAC, "--no-dhcp", "--frame-log", party.frameLogFile("client")],
    ...trust,
    ...allow,
  );
  return {
    party,
    lan: await FrameStation.open(party.lan, PARTY.lanInterface),
    player: await FrameStation.open(player, PARTY.tap),
    relayLog: new FrameLogReader(party.frameLogFile("relay")),
    gatewayLog: new FrameLogReader(party.frameLogFile("gateway")),
    clientLog: new FrameLogReader(party.frameLogFile("client")),
    certificates,
  };
}

/** A frame with so many zeros behind it that it has this length. */
export function lengthen(frame: Uint8Array, lengthBytes: number): Uint8Array<ArrayBuffer> {
  if (frame.length > lengthBytes) throw new RangeError(`a frame of ${frame.length} bytes`);
  return join(frame, new Uint8Array(lengthBytes - frame.length));
}

export function arrived(station: FrameStation, frame: Uint8Array): boolean {
  const hex = toHex(frame);
  return station.frames.some((seen) => toHex(seen.wireBytes) === hex);
}

/** Sends all frames, and again the cases whose good frame has not arrived. */
export async function sendCases(way: Way, cases: readonly FramePair[]): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const missing = cases.filter(({ good }) => !arrived(way.to, good));
    if (missing.length === 0) return;
    for (let at = 0; at < missing.length; at += BATCH) {
      const batch = missing.slice(at, at + BATCH);
      await way.from.send(...batch.flatMap(({ bad, good }) => [bad, good]));
      await eventually(
        "the good frames of a batch arrive",
        () => batch.every(({ good }) => arrived(way.to, good)),
        ARRIVAL_TIMEOUT_MS,
      ).catch(() => {});
    }
  }
}

/** Each bad frame is dropped with its reason, each good one arrives, and no bad one does. */
export async function judge(
  way: Way,
  step: Step,
  title: string,
  plain: FilterCase[],
): Promise<void> {
  const cases = plain.map((entry, index) => ({
    ...entry,
    bad: lengthen(entry.bad, LENGTH_MIN + 2 * index),
    good: lengthen(entry.good, LENGTH_MIN + 2 * index + 1),
  }));
  way.to.clear();
  way.log.skip();
  await sendCases(way, cases);
  for (const { name, bad, good, reason } of cases) {
    await step(`${title}: ${name}`, async () => {
      const { action, dropReason, targets } = await way.log.waitFor(
        `frame of ${bad.length} bytes`,
        (frame) => frame.lengthBytes === bad.length,
      );
      assertEquals({ action, dropReason, targets }, {
        action: "drop",
        dropReason: reason,
        targets: 0,
      });
      assertEquals(arrived(way.to, good), true, "the harmless sibling arrives byte for byte");
    });
  }
  await step(`${title}: nothing of the dropped frames came through`, () => {
    assertEquals(cases.filter(({ bad }) => arrived(way.to, bad)).map(({ name }) => name), []);
    const lengths = new Set(cases.map(({ bad }) => bad.length));
    const seen = way.to.frames.filter((frame) => lengths.has(frame.wireBytes.length));
    assertEquals(seen.map((frame) => frame.hex), []);
  });
}

/** The relay lets each frame pass; what a client makes of it is the client's. */
export async function sendForwarded(
  from: FrameStation,
  relayLog: FrameLogReader,
  frames: readonly Uint8Array<ArrayBuffer>[],
): Promise<void> {
  relayLog.skip();
  const missing = () => {
    const seen = relayLog.records();
    return frames.filter((frame) =>
      !seen.some(({ lengthBytes, action }) => lengthBytes === frame.length && action === "forward")
    );
  };
  for (let attempt = 1; attempt <= ATTEMPTS_MAX && missing().length > 0; attempt++) {
    const wanted = missing();
    for (let at = 0; at < wanted.length; at += BATCH) {
      await from.send(...wanted.slice(at, at + BATCH));
    }
    await eventually("all are forwarded", () => missing().length === 0, ARRIVAL_TIMEOUT_MS)
      .catch(() => {});
  }
  assertEquals(missing().map(toHex), []);
}
