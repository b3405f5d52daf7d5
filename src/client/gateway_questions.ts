/**
 * Asks the party's gateway whether the LAN is there: proof of both ways to it, and of its interface, also where every
 * station is quiet.
 *
 * ```
 *  a probe that says "answers" ─► asks: each second, after 10 s each 10 s ── answer ─► good: again in a minute
 *                                  ▲                                           └─────► else: again in 10 s
 *                                  └── what this PC sees, or what the probe says of the LAN, has changed
 * ```
 *
 * @module
 */

import type { RandomBytes } from "../endpoint/random.ts";
import { copyBytes } from "../proto/bytes.ts";
import { SOURCE_MAC_OFFSET } from "../proto/ethernet.ts";
import {
  encodeQuestion,
  LanSight,
  type LanSight as Sight,
  LanState,
  LanTalkView,
  NEVER_HEARD_MS,
  parseLanTalk,
  QUESTION_ID_BYTES,
} from "../proto/lan_talk.ts";
import { ProbeLan, type ProbeView } from "../proto/loop_probe.ts";
import { MAC_BYTES } from "../proto/mac.ts";

/** How often is asked after an answer that says that all is well … */
export const QUESTION_INTERVAL_MS = 60_000;
/** … after another one, and when there was none for {@linkcode UNHEARD_AFTER_MS} … */
export const DOUBT_INTERVAL_MS = 10_000;
/** … and before. */
export const RETRY_INTERVAL_MS = 1_000;
/** How long answers must be missing before it is said that the gateway does not hear this PC. */
export const UNHEARD_AFTER_MS = 10_000;
/** Probes come each 300 ms: a gateway whose last is older is not asked. */
const PROBE_FRESH_MS = 3_000;
/**
 * A LAN in which nothing was heard for longer may be an empty one: each minute its likely stations are asked by ARP, and
 * the gateway hears who answers.
 */
export const QUIET_MS_MAX = 180_000;

/**
 * What the gateway says: `proof` that all is well; `quiet`: it hears nobody in the LAN; `down`: its LAN has no link;
 * `held`: its machine lets nothing through to its LAN; `unserved`: a station of the LAN has this PC's MAC; `stopped`: it
 * forwards nothing; `unheard`: it does not answer, though it is there; `none`: nothing yet, or it is one that answers no
 * questions.
 */
export type GatewayWord =
  | "none"
  | "proof"
  | "quiet"
  | "down"
  | "held"
  | "unserved"
  | "stopped"
  | "unheard";

/** See the module. */
export class GatewayQuestions {
  readonly #mac: Uint8Array;
  readonly #random: RandomBytes;
  readonly #gatewayMac = new Uint8Array(MAC_BYTES);
  readonly #view = new LanTalkView();
  #probeLan = 0;
  #probeMs = -Infinity;
  /** Of the question that has no answer yet; each has another. */
  #id: Uint8Array | undefined;
  #unansweredSinceMs = Infinity;
  #askedMs = -Infinity;
  #dueMs = Infinity;
  #sight: Sight = LanSight.unknown;
  #word: GatewayWord = "none";
  #wordSinceMs = 0;

  constructor(mac: Uint8Array, random: RandomBytes) {
    this.#mac = mac;
    this.#random = random;
  }

  /** What the gateway has said last. */
  get word(): GatewayWord {
    return this.#word;
  }

  /** Since when it says so. */
  get wordSinceMs(): number {
    return this.#wordSinceMs;
  }

  /** Another gateway, or none. */
  reset(nowMs: number): void {
    this.#probeLan = 0;
    this.#probeMs = -Infinity;
    this.#forgetQuestion();
    this.#say("none", nowMs);
  }

  //= PROTOCOL.md 12.1
  //# A client asks only a gateway whose probe, not older than 3 s, has said that it answers, so others
  //# never get a question.
  /** A probe of the gateway's for the room, which begins at `bytes[offset]`. */
  noteProbe(bytes: Uint8Array, offset: number, probe: ProbeView, nowMs: number): void {
    const { lan, forwarding } = probe;
    if ((lan & ProbeLan.answers) === 0) return;
    const isNews = nowMs > this.#probeMs + PROBE_FRESH_MS || lan !== this.#probeLan ||
      (forwarding && this.#word === "stopped");
    this.#probeLan = lan;
    this.#probeMs = nowMs;
    copyBytes(bytes, offset + SOURCE_MAC_OFFSET, MAC_BYTES, this.#gatewayMac, 0);
    if (isNews) this.askSoon(nowMs);
  }

  /** What this PC sees of the LAN: the gateway is told at once when that has changed. */
  handleSight(sight: Sight, nowMs: number): void {
    if (sight === this.#sight) return;
    this.#sight = sight;
    this.askSoon(nowMs);
  }

  /** Asks as soon as it may. */
  askSoon(nowMs: number): void {
    if (!this.#isThere(nowMs)) return;
    this.#dueMs = Math.min(this.#dueMs, Math.max(nowMs, this.#askedMs + RETRY_INTERVAL_MS));
  }

  nextDeadlineMs(): number {
    return this.#dueMs;
  }

  /** To be called at {@linkcode nextDeadlineMs}. @returns the question to be sent */
  handleTimer(nowMs: number): Uint8Array | undefined {
    if (nowMs < this.#dueMs) return undefined;
    if (!this.#isThere(nowMs)) {
      this.#forgetQuestion();
      if (this.#word === "unheard") this.#say("none", nowMs);
      return undefined;
    }
    if (this.#id === undefined) {
      this.#id = this.#random(QUESTION_ID_BYTES);
      this.#unansweredSinceMs = nowMs;
    }
    const isUnheard = nowMs >= this.#unansweredSinceMs + UNHEARD_AFTER_MS;
    if (isUnheard) this.#say("unheard", nowMs);
    this.#askedMs = nowMs;
    this.#dueMs = nowMs + (isUnheard ? DOUBT_INTERVAL_MS : RETRY_INTERVAL_MS);
    return encodeQuestion(this.#gatewayMac, this.#mac, this.#id, this.#sight);
  }

  //= PROTOCOL.md 12.1
  //# A client believes an answer that the relay says is the gateway's, to its own MAC, with the id of
  //# its question, once.
  /** A frame with the mark, of the gateway's and for this PC. @returns whether it is the answer */
  handleAnswer(bytes: Uint8Array, offset: number, length: number, nowMs: number): boolean {
    const view = this.#view;
    const id = this.#id;
    if (id === undefined || !parseLanTalk(bytes, offset, length, view) || !view.isAnswer) {
      return false;
    }
    if (id.some((byte, index) => byte !== bytes[view.idOffset + index])) return false;
    this.#forgetQuestion();
    this.#say(wordOf(view), nowMs);
    this.#dueMs = nowMs + (this.#word === "proof" ? QUESTION_INTERVAL_MS : DOUBT_INTERVAL_MS);
    return true;
  }

  #isThere(nowMs: number): boolean {
    return nowMs <= this.#probeMs + PROBE_FRESH_MS;
  }

  #forgetQuestion(): void {
    this.#id = undefined;
    this.#unansweredSinceMs = this.#dueMs = Infinity;
  }

  #say(word: GatewayWord, nowMs: number): void {
    if (word !== this.#word) this.#wordSinceMs = nowMs;
    this.#word = word;
  }
}

function wordOf({ state, quietMs }: LanTalkView): GatewayWord {
  if ((state & LanState.served) === 0) return "unserved";
  if ((state & LanState.up) === 0) return "down";
  if ((state & LanState.forwarding) === 0) return "stopped";
  if ((state & LanState.held) !== 0) return "held";
  return quietMs === NEVER_HEARD_MS || quietMs > QUIET_MS_MAX ? "quiet" : "proof";
}
