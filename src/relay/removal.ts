/**
 * How a peer is told that it was removed, in the words that it understands.
 *
 * @module
 */
import { parseBanTarget, tokenName } from "../control/ban_target.ts";
import type { Remover } from "../control/host_messages.ts";
import { Feature, type Hello, type RejectCode } from "../control/messages.ts";
import { formatTimeSpan } from "../proto/time_span.ts";
import type { Ban } from "./ban_record.ts";
import type { Session } from "./session.ts";

/** Who removes somebody, for how long from now on (absent: until it is taken back), and why. */
export interface Removal {
  readonly by: Remover;
  readonly forMs?: number;
  readonly reason?: string;
  /** The site of the host: see `siteKey`. */
  readonly site?: string;
}

/** What a message that ends a session says of it. */
export interface RemovalNotice {
  readonly message: string;
  readonly by?: Remover;
  readonly forMs?: number;
}

//= PROTOCOL.md 6.8
//# | `removal` | endpoints | `reject` with `removed` and `mac-reserved`; `by` and `forMs` in
//# `reject` and `disconnect`
//= PROTOCOL.md 6.8
//# | `host-requests` | gateways | `hostRequest` and `hostAnswer`, where the relay has named it, too
//= PROTOCOL.md 6.8
//# | `room-mtu` | endpoints | `roomMtu`; and `budget`, where the relay has named it, too
//= PROTOCOL.md 6.8
//# Names that a reader does not know mean nothing to it.
/** The features of this relay that a hello names, too. */
export function sharedFeatures(hello: Hello | undefined): readonly string[] {
  const own: readonly string[] = Object.values(Feature);
  return hello?.features?.filter((name) => own.includes(name)) ?? [];
}

/** Whether a hello names a feature of this relay. */
export function understands(hello: Hello | undefined, feature: Feature): boolean {
  return hello?.features?.includes(feature) === true;
}

/** What somebody reads who is removed: fields where they are understood, else a sentence. */
export function noticeOf(hello: Hello | undefined, removal: Removal): RemovalNotice {
  const { by, forMs, reason } = removal;
  if (understands(hello, Feature.removal)) {
    return { message: reason ?? "", by, ...(forMs === undefined ? {} : { forMs }) };
  }
  const who = by === "host" ? "The party's host" : "The relay's operator";
  const long = forMs === undefined || forMs === 0 ? "" : ` for ${formatTimeSpan(forMs)}`;
  return { message: `${who} has removed you${long}${reason === undefined ? "" : `: ${reason}`}.` };
}

//= PROTOCOL.md 4
//# New messages, codes and fields that ask for something go only to who has named the feature that
//# they belong to (section 6.8).
/** The code of a refusal for an endpoint: those that it does not know have an older one beside them. */
export function knownCode(hello: Hello | undefined, code: RejectCode): RejectCode {
  if (understands(hello, Feature.removal)) return code;
  //= PROTOCOL.md 6.8
  //# Who has not named `removal` gets `not-admitted` in the place of `removed`, `mac-in-use` in
  //# that of `mac-reserved`, and a `message` that says it all.
  return code === "removed" ? "not-admitted" : code === "mac-reserved" ? "mac-in-use" : code;
}

/** A ban as it is now. */
export function removalOf(ban: Ban, unixMs: number): Removal {
  const { by, untilMs, reason } = ban;
  return {
    by,
    ...(untilMs === undefined ? {} : { forMs: Math.max(1, Math.round(untilMs - unixMs)) }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** What a ban may know somebody by who says hello. */
export function targetsOfHello(session: Session, hello: Hello): (string | undefined)[] {
  return [
    hello.mac,
    parseBanTarget(session.addressKey) ?? session.addressKey,
    tokenName(hello.resume),
  ];
}
