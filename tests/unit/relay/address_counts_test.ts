/** However peers come, move and go: no address, nor site, counts more than it may, and nothing is left over. */
import { assert, assertEquals } from "@std/assert";
import { AddressLimits } from "../../../src/relay/address_limits.ts";
import { RELAY_DEFAULTS, SITE_SHARE } from "../../../src/relay/limits.ts";
import { Session } from "../../../src/relay/session.ts";
import { asConnectionId } from "../../../src/proto/brands.ts";

const [PEERS_MAX, PENDING_MAX] = [3, 4];
const PLENTY = { handshakeBurstMax: 1e9, handshakesPerSecond: 1e9 };

/** Numbers less than `below`, the same in each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 1) % below;
}

function sessionAt(address: string): Session {
  return new Session(asConnectionId(1), { address, maxDatagramBytes: 1_400 }, 0, 100);
}

/** How many are counted as what at which address, or site. */
function counts(live: readonly Session[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { countedAs, countedAt: { addressKey, siteKey } } of live) {
    const places = countedAs === "joined" ? [`joined ${addressKey}`, `site ${siteKey}`] : [
      `pending ${addressKey}`,
    ];
    for (const place of places) found.set(place, (found.get(place) ?? 0) + 1);
  }
  return found;
}

const MAXIMA = { joined: PEERS_MAX, site: SITE_SHARE * PEERS_MAX, pending: PENDING_MAX };

for (let seed = 1; seed <= 20; seed++) {
  Deno.test(`address limits: what is counted stays within bounds, by chance number ${seed}`, () => {
    const random = numbers(seed);
    const limits = new AddressLimits({
      ...{ ...RELAY_DEFAULTS, ...PLENTY },
      ...{ peersPerAddressMax: PEERS_MAX, pendingPerAddressMax: PENDING_MAX },
    });
    const somewhere = () =>
      random(2) === 0
        ? `192.0.2.${random(3)}:${1 + random(9)}`
        : `[2001:db8:1:${random(20)}::1]:${1 + random(9)}`;
    const live: Session[] = [];
    for (let nowMs = 0; nowMs < 400; nowMs++) {
      const session = live[random(live.length + 1)] ?? sessionAt(somewhere());
      const isNew = !live.includes(session);
      const step = random(4);
      if (isNew && limits.connected(session, nowMs)) live.push(session);
      else if (isNew) limits.gone(session);
      else if (step < 2) limits.moved(session, somewhere(), nowMs);
      else if (session.countedAs === "pending" && !limits.crowded(session)) {
        limits.entered(session, nowMs);
      } else if (step === 2) {
        limits.gone(session);
        live.splice(live.indexOf(session), 1);
      }
      for (const [place, count] of counts(live)) {
        const [what] = place.split(" ") as [keyof typeof MAXIMA];
        assert(count <= MAXIMA[what], `${count} ${place}`);
      }
    }
    for (const session of live) limits.gone(session);
    for (let peers = 0; peers <= PEERS_MAX; peers++) {
      const session = sessionAt("192.0.2.1:1");
      assertEquals(limits.crowded(session), peers === PEERS_MAX);
      if (peers < PEERS_MAX) limits.entered(session, 400);
    }
  });
}
