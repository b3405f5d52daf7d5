/**
 * Looks for the reason why a relay does not answer: one UDP packet of our own says what ICMP tells, and whether this PC has
 * a way at all; an attempt by TCP says whether the relay's machine is there. msquic has one status for all of it.
 *
 * @module
 */
import type { ClosedReason } from "../../endpoint/actions.ts";
import { answersProbe, versionProbe } from "../../endpoint/version_probe.ts";
import type { FailurePlace, TransportFailure } from "../../observe/relay_reach.ts";
import { formatIp } from "../../proto/ip.ts";
import { parseAddress, type QuicAddress, writeAddress } from "../../quic/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { hasWay, openUdpProbe, type UdpFinding, type UdpProbe } from "../../system/reach/mod.ts";
import { randomBytes } from "../common/random.ts";

/** How long an answer is waited for, and how often it is looked for one. */
const EXAMINE_MS = 700;
const POLL_MS = 20;
/** So many packets are waited for longer. */
const SILENT_MAX = 8;
/** Between two questions. */
const AGAIN_MS = 500;

/**
 * Addresses that stand for all of the internet: they are for documents (RFC 5737, RFC 3849), and nothing is sent there.
 */
const ANYWHERE = { ipv4: "192.0.2.1", ipv6: "2001:db8::1" } as const;

/** Looks for reasons: the system itself, or a test's. */
export interface ReachExaminer {
  /** Why a name has no address. @param failure what the resolver says */
  explainName(failure: TransportFailure, host: string, port: number): ClosedReason;
  /**
   * Why nothing answers at an address of a relay's.
   *
   * @param host the relay's, as it was given
   * @param isNamed the player has named it: one that a relay has named is not tried by TCP, since a relay is not to have
   * players' PCs look for what there is in their networks
   */
  explainAddress(host: string, address: QuicAddress, isNamed: boolean): Promise<ClosedReason>;
}

/** By this system's own routes and packets. */
export class SystemReach implements ReachExaminer {
  readonly #reactor: Reactor;
  readonly #silent: SilentProbes = new Map();

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  explainName(failure: TransportFailure, host: string, port: number): ClosedReason {
    return explainUnknown(failure, host, port);
  }

  async explainAddress(
    host: string,
    address: QuicAddress,
    isNamed: boolean,
  ): Promise<ClosedReason> {
    this.#reactor.attend(EXAMINE_MS);
    return (await examineAddress(host, address, { triesTcp: isNamed, silent: this.#silent }))
      .reason;
  }
}

/**
 * Packets that nothing has come back to yet, by where they went: a router needs three seconds to find out that nobody has
 * an address, so they are looked at once more before the next one is sent.
 */
type SilentProbes = Map<string, UdpProbe>;

/** What was found at an address. */
export interface AddressFinding {
  /** Whether a QUIC server answers. */
  readonly answers: boolean;
  /** Why not, as far as can be told. */
  readonly reason: ClosedReason;
}

/** How an address is looked at. */
export interface Examination {
  /** What is silent is asked again so often; 1 unless said otherwise. */
  readonly attempts?: number;
  /** Whether it is tried by TCP, too; true unless said otherwise. */
  readonly triesTcp?: boolean;
  /** Keeps packets from one look to the next; absent: this is the only one. */
  readonly silent?: SilentProbes;
}

/** Looks whether, and why not, something answers at an address of a relay's; each attempt takes a second at most. */
export async function examineAddress(
  host: string,
  address: QuicAddress,
  { attempts = 1, triesTcp = true, silent }: Examination = {},
): Promise<AddressFinding> {
  const [finding, answersTcp] = await Promise.all([
    examinePort(address, attempts, silent),
    triesTcp && reachesByTcp(address),
  ]);
  const place = { host, port: address.port, address: address.host };
  const fails = (transport: TransportFailure, more: Partial<FailurePlace> = {}) => ({
    answers: finding?.kind === "answered",
    reason: { transport, place: { ...place, ...more } },
  });
  switch (finding?.kind) {
    case "noWay":
      return fails(withoutWay(address));
    case "nobodyListens":
    case "unreachable":
    case "prohibited": {
      const by = finding.from === undefined ? {} : { by: formatIp(finding.from) };
      return fails(failureOf(finding.kind, finding.from), by);
    }
    case "answered":
      return fails("unfinished");
    default:
      return fails("timeout", { answersTcp });
  }
}

/** Why a name has no address. @param failure what the resolver says */
export function explainUnknown(
  failure: TransportFailure,
  host: string,
  port: number,
): ClosedReason {
  const isOffline = !hasInternet("ipv4") && !hasInternet("ipv6");
  return { transport: isOffline ? "noNetwork" : failure, place: { host, port } };
}

/** Whether this PC's routes lead to the internet by an IP version. */
function hasInternet(family: QuicAddress["family"]): boolean {
  const address = parseAddress(ANYWHERE[family], 443);
  return address !== undefined && hasWay(writeAddress(address));
}

/** What becomes of packets to a UDP port: `undefined` where nothing comes back. */
async function examinePort(
  address: QuicAddress,
  attempts: number,
  silent: SilentProbes | undefined,
): Promise<UdpFinding | undefined> {
  const key = `${address.host} ${address.port}`;
  const late = silent?.get(key)?.take();
  forget(silent, key);
  if (late !== undefined && late.kind !== "answered") return late;
  const finding = await askPort(address, silent, key);
  if (finding !== undefined || attempts <= 1) return finding;
  await pause(AGAIN_MS);
  return await examinePort(address, attempts - 1, silent);
}

async function askPort(
  address: QuicAddress,
  silent: SilentProbes | undefined,
  key: string,
): Promise<UdpFinding | undefined> {
  const packet = versionProbe(randomBytes);
  const probe = openUdpProbe(writeAddress(address), packet);
  let finding: UdpFinding | undefined;
  for (let waitedMs = 0; waitedMs <= EXAMINE_MS && finding === undefined; waitedMs += POLL_MS) {
    if (waitedMs > 0) await pause(POLL_MS);
    finding = probe.take();
  }
  if (finding === undefined && silent !== undefined) {
    // Another look at the same address may have left its own meanwhile.
    forget(silent, key);
    silent.set(key, probe);
    for (const oldest of [...silent.keys()].slice(0, -SILENT_MAX)) forget(silent, oldest);
    return undefined;
  }
  probe.close();
  if (finding?.kind === "answered" && !answersProbe(finding.bytes, packet)) return undefined;
  return finding;
}

function forget(silent: SilentProbes | undefined, key: string): void {
  silent?.get(key)?.close();
  silent?.delete(key);
}

function failureOf(
  kind: "nobodyListens" | "unreachable" | "prohibited",
  from: Uint8Array | undefined,
): TransportFailure {
  if (kind === "prohibited") return "blocked";
  // A firewall on the way may say the same of a port as the machine itself.
  return kind === "nobodyListens" && from !== undefined ? "blocked" : kind;
}

function withoutWay({ family }: QuicAddress): TransportFailure {
  if (hasInternet(family)) return "unreachable";
  const other = family === "ipv4" ? "ipv6" : "ipv4";
  if (!hasInternet(other)) return "noNetwork";
  return family === "ipv6" ? "noIpv6" : "noIpv4";
}

/** Whether the machine answers by TCP, with a connection or a refusal; one that does neither is not waited for. */
async function reachesByTcp({ host, port, scopeId }: QuicAddress): Promise<boolean> {
  const hostname = scopeId === 0 ? host : `${host}%${scopeId}`;
  const given = new AbortController();
  const timer = setTimeout(() => given.abort(), EXAMINE_MS);
  try {
    (await Deno.connect({ hostname, port, signal: given.signal })).close();
    return true;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
