/**
 * Answers players who ask whether the LAN is there, and remembers what they see of it.
 *
 * An answer is as long as its question, and goes to who asked alone, so nothing grows by it.
 *
 * @module
 */
import { ETHER_TYPE_OFFSET, ETHERNET_HEADER_BYTES, EtherType } from "../proto/ethernet.ts";
import { readU16 } from "../proto/bytes.ts";
import {
  encodeAnswer,
  isLanTalk,
  LanSight,
  type LanSight as Sight,
  LanTalkView,
  parseLanTalk,
} from "../proto/lan_talk.ts";

//= PROTOCOL.md 12.1
//# of one player it answers 10 in a second at most
/** Shortest time between two answers to one player. */
export const ANSWER_INTERVAL_MS = 100;
/** How long what a player said it sees is taken to be so: it says so each minute. */
export const SIGHT_MAX_AGE_MS = 150_000;

/** See the module. Players are known by their place in the roster. */
export class PlayerQuestions {
  readonly #gatewayMac: Uint8Array;
  readonly #view = new LanTalkView();
  readonly #answeredMs: Float64Array;
  readonly #sights: Uint8Array;
  readonly #sightMs: Float64Array;
  #heardMs = -Infinity;

  /** @param gatewayMac the MAC at which players reach the gateway, six bytes */
  constructor(playersMax: number, gatewayMac: Uint8Array) {
    this.#gatewayMac = gatewayMac;
    this.#answeredMs = new Float64Array(playersMax).fill(-Infinity);
    this.#sights = new Uint8Array(playersMax);
    this.#sightMs = new Float64Array(playersMax).fill(-Infinity);
  }

  /** For how long nothing was heard in the LAN, ms; Infinity: nothing ever was. */
  quietMs(nowMs: number): number {
    return nowMs - this.#heardMs;
  }

  //= PROTOCOL.md 12.1
  //# What comes out of the LAN with this mark it drops, so that no station there can answer.
  /**
   * A frame came in from the LAN. Gateways' own, such as probes and CAM refreshes, are no sign of life.
   *
   * @returns whether it would be an answer, which nobody there may give
   */
  handleLanFrame(bytes: Uint8Array, offset: number, length: number, nowMs: number): boolean {
    const isOwnKind = length >= ETHERNET_HEADER_BYTES &&
      readU16(bytes, offset + ETHER_TYPE_OFFSET) === EtherType.camRefresh;
    if (!isOwnKind) this.#heardMs = nowMs;
    return isOwnKind && isLanTalk(bytes, offset, length);
  }

  /**
   * A player's frame with the mark. Nothing allocates but an answer.
   *
   * @param state what the gateway says of itself: bits of `LanState`
   * @returns the answer, if it is a question and not one too many
   */
  handleQuestion(
    bytes: Uint8Array,
    offset: number,
    length: number,
    place: number,
    state: number,
    nowMs: number,
  ): Uint8Array | undefined {
    const view = this.#view;
    if (!parseLanTalk(bytes, offset, length, view) || view.isAnswer) return undefined;
    this.#sights[place] = view.state;
    this.#sightMs[place] = nowMs;
    if (nowMs < this.#answeredMs[place] + ANSWER_INTERVAL_MS) return undefined;
    this.#answeredMs[place] = nowMs;
    return encodeAnswer(this.#gatewayMac, bytes, offset, state, this.quietMs(nowMs));
  }

  /** What the player at a place sees of the LAN, by its own word. */
  sightAt(place: number, nowMs: number): Sight {
    const isFresh = nowMs < this.#sightMs[place] + SIGHT_MAX_AGE_MS;
    const sight = isFresh ? this.#sights[place] : LanSight.unknown;
    return Object.values(LanSight).find((one) => one === sight) ?? LanSight.unknown;
  }

  /** The player at a place has left, or another one is there. */
  forgetPlayer(place: number): void {
    this.#answeredMs[place] = -Infinity;
    this.#sightMs[place] = -Infinity;
  }
}
