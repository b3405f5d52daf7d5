/**
 * Whether the LAN gets past this PC's own firewall on Linux: tried, told, and, where the player wants it, brought about.
 *
 * ```
 *  addresses ─► opened, if that is wanted ─► a probe by the adapter ─► state ─► log, doctor
 *                        ▲                            │ when rules have changed, and each 10 s
 *                        └──── no more (a firewall was loaded anew) ◄┘
 * ```
 *
 * Not all firewalls tell that their rules have changed (`linux_notices.ts`), and a probe is five system calls: so it is
 * tried without a cause, too.
 *
 * @module
 */
import { reasonOf } from "../../log/user_error.ts";
import {
  encodeProbe,
  PROBE_TOKEN_BYTES,
  type ProbeWay,
  probeWay,
} from "../../client/inbound_probe.ts";
import { inboundScopes, openPorts } from "../../client/inbound_rules.ts";
import type { LogLevelName } from "../../log/logging.ts";
import { inboundSentence, type InboundState } from "../../observe/inbound.ts";
import { sentenceLine } from "../../observe/sentences.ts";
import { equalBytes } from "../../proto/bytes.ts";
import type { FirewallNotices, LinuxFirewall } from "../../system/firewall/mod.ts";

/** A socket that hears what has come in. */
export interface ProbeEar {
  /** The next datagram; undefined: there is none. */
  read(): Uint8Array | undefined;
  close(): void;
}

/** What it works with. */
export interface LinuxInboundParts {
  readonly firewall: Pick<LinuxFirewall, "find" | "open" | "close">;
  /** That a firewall's rules have changed. */
  readonly notices: Pick<FirewallNotices, "take" | "close">;
  /** Listens at an address of this PC; undefined: it cannot. */
  listen(address: number, port: number): ProbeEar | undefined;
  /** Hands a frame to the system as if it came by the adapter. */
  send(frame: Uint8Array): boolean;
  /**
   * By whom this PC expects what the neighbour sends, where it takes nothing from there by the adapter, whatever a
   * firewall does (rp_filter of ip-sysctl); undefined: it takes it.
   */
  expectedElsewhere(way: ProbeWay): string | undefined;
  random(count: number): Uint8Array;
  say(level: LogLevelName, text: string): void;
}

/** What the player wants, and the adapter. */
export interface LinuxInboundOptions {
  readonly allowInbound: boolean;
  readonly allowInboundPorts: readonly number[];
  readonly name: string;
  readonly mac: Uint8Array;
}

/** How often it is tried without a cause, ms. */
export const RECHECK_INTERVAL_MS = 10_000;
/** Rules that are being changed are tried when they have come to rest, and not more often than this, ms. */
export const SETTLE_MS = 1_000;
/** How long a probe has time, and how many there are, before nothing comes in. */
export const PROBE_TIMEOUT_MS = 1_000;
export const PROBES_MAX = 3;
/** Ports of no service, which are open by `--allow-inbound`. */
const PORT_MIN = 49_152;

/** A probe under way. */
interface Probe {
  readonly ear: ProbeEar;
  readonly token: Uint8Array;
  readonly frame: Uint8Array;
  dueMs: number;
  sent: number;
}

/** See the module. */
export class LinuxInbound {
  readonly #parts: LinuxInboundParts;
  readonly #options: LinuxInboundOptions;
  #way: ProbeWay | undefined;
  #scopes = "";
  #probe: Probe | undefined;
  #probeDueMs = Infinity;
  #isClosed = false;
  /** Rules that were seen to have no effect are made anew once. */
  #isAnew = false;
  /** What others are doing meanwhile. */
  #work: Promise<void> | undefined;
  #firewalls: readonly string[] | undefined;
  #failures: readonly string[] = [];
  /** See `expectedElsewhere`. */
  #elsewhere: string | undefined;
  #state: InboundState | undefined;
  #said = "";

  constructor(options: LinuxInboundOptions, parts: LinuxInboundParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** What was found; undefined: nothing yet. */
  get state(): InboundState | undefined {
    return this.#state;
  }

  /** The adapter's addresses, such as `10.77.0.5/24`, are these now. */
  update(addresses: readonly string[], nowMs: number): void {
    if (this.#isClosed) return;
    const way = addresses.map(probeWay).find((found) => found !== undefined);
    const scopes = inboundScopes(addresses);
    const isSame = way?.own === this.#way?.own && way?.neighbour === this.#way?.neighbour;
    if (isSame && scopes === this.#scopes) return;
    this.#way = way;
    this.#scopes = scopes;
    this.#endProbe();
    this.#isAnew = false;
    this.#probeDueMs = way === undefined ? Infinity : nowMs;
    if (this.#options.allowInbound) this.#open();
  }

  /** To be called now and then. */
  work(nowMs: number): void {
    if (this.#isClosed || this.#work !== undefined) return;
    // What comes while it is tried counts for the next time.
    if (this.#parts.notices.take() && this.#way !== undefined) {
      this.#probeDueMs = Math.min(this.#probeDueMs, nowMs + SETTLE_MS);
      // It may be another one now.
      if (!this.#options.allowInbound) this.#firewalls = undefined;
    }
    const probe = this.#probe;
    if (probe === undefined) {
      if (nowMs >= this.#probeDueMs) this.#beginProbe(nowMs);
      return;
    }
    for (let heard = probe.ear.read(); heard !== undefined; heard = probe.ear.read()) {
      if (equalBytes(heard, probe.token)) return this.#conclude(true, nowMs);
    }
    if (nowMs < probe.dueMs) return;
    if (probe.sent >= PROBES_MAX) return this.#conclude(false, nowMs);
    this.#sendProbe(probe, nowMs);
  }

  /** Takes back what was opened; resolves with what went wrong. What is being done at this moment is not waited for. */
  close(): Promise<string | undefined> {
    this.#isClosed = true;
    this.#endProbe();
    this.#parts.notices.close();
    return this.#parts.firewall.close();
  }

  #open(): void {
    const networks = this.#scopes.split(",");
    const ports = (protocol: "TCP" | "UDP") =>
      openPorts(protocol, this.#options.allowInboundPorts, "linux").split(",");
    const access = { networks, ports: { tcp: ports("TCP"), udp: ports("UDP") } };
    this.#begin(async () => {
      const { firewalls, failures } = await this.#parts.firewall.open(access);
      this.#firewalls = firewalls;
      this.#failures = failures;
    });
  }

  /** One thing after the other; meanwhile nothing is tried. */
  #begin(work: () => Promise<void>): void {
    const before = this.#work ?? Promise.resolve();
    const mine = before.then(work).catch((error) => {
      this.#failures = [reasonOf(error)];
    }).finally(() => {
      if (this.#work === mine) this.#work = undefined;
    });
    this.#work = mine;
  }

  #beginProbe(nowMs: number): void {
    this.#probeDueMs = nowMs + RECHECK_INTERVAL_MS;
    const way = this.#way;
    if (way === undefined) return;
    const [high, low] = this.#parts.random(2);
    const port = PORT_MIN + (((high << 8) | low) % (0x10000 - PORT_MIN));
    const ear = this.#parts.listen(way.own, port);
    if (ear === undefined) {
      // The port is another's, or the address has just gone: soon again.
      this.#probeDueMs = nowMs + PROBE_TIMEOUT_MS;
      return;
    }
    const token = this.#parts.random(PROBE_TOKEN_BYTES);
    const frame = encodeProbe(way, this.#options.mac, port, token);
    this.#probe = { ear, token, frame, dueMs: nowMs, sent: 0 };
    this.#sendProbe(this.#probe, nowMs);
  }

  #sendProbe(probe: Probe, nowMs: number): void {
    probe.sent++;
    probe.dueMs = nowMs + PROBE_TIMEOUT_MS;
    this.#parts.send(probe.frame);
  }

  #endProbe(): void {
    this.#probe?.ear.close();
    this.#probe = undefined;
  }

  #conclude(isOpen: boolean, nowMs: number): void {
    this.#endProbe();
    const { allowInbound } = this.#options;
    this.#elsewhere = isOpen || this.#way === undefined
      ? undefined
      : this.#parts.expectedElsewhere(this.#way);
    if (this.#elsewhere !== undefined) return this.#tell(isOpen);
    if (isOpen) this.#isAnew = false;
    else if (allowInbound && !this.#isAnew && this.#state?.isOpen) {
      // Somebody has loaded the firewall anew, and our rules are gone.
      this.#isAnew = true;
      this.#probeDueMs = nowMs;
      return this.#open();
    }
    const isKnown = this.#state?.isOpen === false && this.#firewalls !== undefined;
    if (isOpen || allowInbound || isKnown) return this.#tell(isOpen);
    this.#begin(async () => {
      this.#firewalls = await this.#parts.firewall.find();
      this.#tell(isOpen);
    });
  }

  #tell(isOpen: boolean): void {
    if (this.#isClosed) return;
    const { allowInbound: isAllowed, name: adapter } = this.#options;
    const firewalls = this.#firewalls ?? [];
    this.#state = {
      ...{ isOpen, isAllowed, adapter, firewalls, failures: this.#failures },
      ...(this.#elsewhere === undefined ? {} : { elsewhere: this.#elsewhere }),
    };
    const text = sentenceLine(inboundSentence(this.#state));
    if (text === this.#said) return;
    const isFirst = this.#said === "";
    this.#said = text;
    if (isOpen) {
      // A player who has asked for nothing hears only that it is better now.
      return this.#parts.say(isAllowed || !isFirst ? "info" : "debug", text);
    }
    const isKnown = firewalls.length > 0 || this.#elsewhere !== undefined;
    this.#parts.say(isKnown ? "warning" : "debug", text);
  }
}
