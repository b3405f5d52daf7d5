/** The golden vectors of `protocol.json`, typed. PROTOCOL.md says what each part means. */

import { assert } from "@std/assert";

interface Vector<Value, Hex = string> {
  readonly name: string;
  readonly hex: Hex;
  readonly value: Value;
}

/** A whole frame, or a piece with its copy of the Ethernet header if it has one. */
export type DatagramValue =
  | { readonly sourcePeerId: number; readonly frame: string }
  | {
    readonly sourcePeerId: number;
    readonly frameId: number;
    readonly byteOffset: number;
    readonly more: boolean;
    readonly header?: string;
    readonly payload: string;
  };

export interface SplitValue {
  readonly frame: string;
  readonly maxDatagramBytes: number;
  readonly sourcePeerId: number;
  readonly frameId: number;
}

export interface ReassemblyStep {
  readonly nowMs: number;
  readonly hex: string;
  readonly result: "waiting" | "frame" | "dropped";
  readonly reason?: string;
  readonly frame?: string;
}

export interface MessageVector<Value> extends Vector<Value> {
  readonly from: "endpoint-first" | "endpoint" | "relay";
}

/** What a client makes of a frame. */
export type LanAnswer =
  | { readonly result: "unchanged" | "dropped" }
  | { readonly result: "scrubbed"; readonly frame: string };

export interface Vectors {
  readonly protocol: number;
  readonly macs: Vector<{ text: string; identity: boolean; multicast: boolean }>[];
  readonly rooms: { name: string; text: string; value: string | null }[];
  readonly roomKeys: Vector<{ gatewayKey: string; roomKey: string }>[];
  readonly datagrams: Vector<DatagramValue>[];
  readonly malformed: Vector<{ reason: string }>[];
  readonly splits: Vector<SplitValue, string[]>[];
  readonly resplits: Vector<
    { maxDatagramBytes: number; sourcePeerId: number; pieces: string[] }
  >[];
  readonly reassemblies: { name: string; steps: ReassemblyStep[] }[];
  readonly tapMtu: {
    name: string;
    value: { budgetBytes: number; relayMaximumBytes: number; maxTapMtu: number; tapMtu: number };
  }[];
  /** `budgetBytes`: what the gateway's path carries from now on, both ways; null: there is no gateway. */
  readonly roomMtus: {
    name: string;
    maxTapMtu: number;
    steps: { nowMs: number; budgetBytes?: number | null; tapMtu: number }[];
  }[];
  readonly headers: Vector<Record<string, number | boolean>>[];
  readonly filters: Vector<
    {
      from: "client" | "gateway";
      firstPiece: boolean;
      allowRouterAdvertisements: boolean;
      /** Absent: false. */
      allowVlan?: boolean;
      reason: string | null;
    }
  >[];
  /** In a room of the gateway (peer id 1) and three clients (2, 3, 4). */
  readonly forwarding: Vector<
    & { readonly from: number }
    & ({ readonly to: number[]; readonly datagram: string } | { readonly reason: string })
  >[];
  readonly dhcpReplies: Vector<LanAnswer>[];
  readonly dhcpv6Answers: Vector<LanAnswer>[];
  readonly routerAdvertisements: Vector<LanAnswer>[];
  readonly camRefresh: Vector<{ mac: string }>[];
  readonly lanQuestions: Vector<LanQuestionVector>[];
  readonly framing: Vector<unknown[]>[];
  readonly badFraming: Vector<{ error: string }>[];
  readonly messages: MessageVector<object>[];
  readonly readings: MessageVector<object>[];
  readonly refusals: MessageVector<{ code: string }>[];
}

/** A question about the LAN, or its answer; `quietMs` null: nothing was ever heard. */
export type LanQuestionVector =
  & { readonly gatewayMac: string; readonly mac: string; readonly id: string }
  & (
    | { readonly kind: "question"; readonly sees: number }
    | { readonly kind: "answer"; readonly state: number; readonly quietMs: number | null }
  );

/** The file's contents; each part's vectors have names of their own. */
export const VECTORS: Vectors = JSON.parse(
  Deno.readTextFileSync(new URL("./protocol.json", import.meta.url)),
);

/** Calls back with each vector of a part, which must have some, and each a name of its own. */
export function forEachVector<Entry extends { readonly name: string }>(
  part: readonly Entry[],
  check: (vector: Entry) => void,
): void {
  assert(part.length > 0);
  assert(new Set(part.map(({ name }) => name)).size === part.length, "names differ");
  for (const vector of part) check(vector);
}
