/** A LAN as a client sees it through the party's gateway. */
import { assertEquals } from "@std/assert";
import { LanProof } from "../../../src/client/lan_proof.ts";
import { lanVerdictLine } from "../../../src/observe/lan_verdict.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { encodeAnswer, isLanTalk, LanState } from "../../../src/proto/lan_talk.ts";
import { LoopProbe, ProbeLan, ProbeSide } from "../../../src/proto/loop_probe.ts";
import { saying } from "../../support/sentences.ts";
import { WELCOME } from "../endpoint/harness.ts";

/** This PC's. */
export const MAC: Uint8Array = Uint8Array.fromHex("020000000051");
const RELAY = { host: "relay.example.org", port: 443, serverName: "relay.example.org" };
export const STATION = "00163e000001";
export const SENTENCE = saying("lan/good", { address: "192.168.1.57" });
/** 192.168.1.1 as a 32-bit number, and the server's address. */
export const SERVER = 0xc0a80107;

/** ARP of a station of the LAN's whose address ends so. */
export function arp(last: number): string {
  const address = `c0a801${last.toString(16).padStart(2, "0")}`;
  return `ffffffffffff${STATION}0806` + `0001080006040001${STATION}${address}` +
    "000000000000" + "c0a80139";
}

/** What the gateway answers. */
interface Answer {
  readonly state?: number;
  readonly quietMs?: number;
}

export const ALL_WELL = LanState.up | LanState.forwarding | LanState.served;

export class Lan {
  /** What the gateway was told in each question: a value of LanSight. */
  readonly questions: number[] = [];
  readonly proof: LanProof;
  readonly #frame = new Dissection();
  #ids = 0;
  nowMs = 0;

  constructor(asksForAddress = true) {
    const random = (count: number) => new Uint8Array(count).fill(++this.#ids);
    this.proof = new LanProof({ mac: MAC, asksForAddress, random });
  }

  /** In a room with a gateway, with an open adapter. */
  join(gatewayPresent = true): this {
    const welcome = { ...WELCOME, gatewayPresent };
    this.proof.handleAction({ type: "joined", welcome, relay: RELAY }, this.nowMs);
    return this.have();
  }

  gateway(present: boolean): void {
    this.proof.handleAction({ type: "status", event: { type: "gateway", present } }, this.nowMs);
  }

  have(...addresses: string[]): this {
    this.proof.handleAddresses(addresses, this.nowMs);
    return this;
  }

  hear(hex: string): void {
    const bytes = Uint8Array.fromHex(hex);
    dissect(bytes, 0, bytes.length, this.#frame);
    this.proof.noteHeard(bytes, 0, bytes.length, this.#frame, this.nowMs);
    this.pass(0);
  }

  /** Lets time pass, with each deadline that lies in it. */
  pass(durationMs: number): this {
    const endMs = this.nowMs + durationMs;
    for (;;) {
      const dueMs = this.proof.nextDeadlineMs();
      if (dueMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.proof.handleTimer(this.nowMs);
    }
    this.nowMs = endMs;
    return this;
  }

  get kind(): string {
    return this.proof.verdict(this.nowMs).kind;
  }

  /** What is said to who asks now. */
  get line(): string {
    return lanVerdictLine(this.proof.verdict(this.nowMs));
  }

  /** The gateway sends its probes for so long, all 300 ms, and answers so what it is asked; undefined: not. */
  probe(durationMs: number, answer: Answer | undefined, lan: number = ProbeLan.answers): this {
    for (let i = 0; i < durationMs; i += 300) {
      const made = new LoopProbe(ProbeSide.tunnel, new Uint8Array(8).fill(0xe0), MAC);
      made.write(true, 0, lan);
      this.hear(made.bytes.toHex());
      this.pass(300);
      this.#settleQuestions(made.source, answer);
    }
    return this;
  }

  #settleQuestions(gatewayMac: Uint8Array, answer: Answer | undefined): void {
    for (const frame of this.proof.drainFrames()) {
      if (!isLanTalk(frame, 0, frame.length)) continue;
      this.questions.push(frame[32]);
      assertEquals(frame.slice(0, 6).toHex(), gatewayMac.toHex());
      if (answer === undefined) continue;
      const { state = ALL_WELL, quietMs = 0 } = answer;
      const bytes = encodeAnswer(gatewayMac, frame, 0, state, quietMs);
      this.hear(bytes.toHex());
      // Another one of the kind is none.
      this.hear(encodeAnswer(gatewayMac, frame, 0, 0, 0).toHex());
    }
  }

  /** What was told since the last call. */
  told(): string[] {
    return this.proof.drainEvents().map(({ verdict }) => lanVerdictLine(verdict));
  }

  /** The last bytes of the addresses that were asked for since the last call. */
  asked(): number[] {
    return this.proof.drainFrames().map((frame) => frame[41]);
  }
}
