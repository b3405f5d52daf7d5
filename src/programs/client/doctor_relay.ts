/**
 * What a doctor says of the ways to the relay: each address and port is asked by a packet of its own, whether a client runs or
 * not, and one port more, since some networks let only some ports out.
 *
 * @module
 */
import { type EndpointAddress, formatEndpointAddress } from "../../control/address.ts";
import type { ClosedReason } from "../../endpoint/actions.ts";
import { reachText } from "../../observe/relay_reach.ts";
import type { Finding, FindingGroup } from "../../observe/report.ts";
import { lookUpHost } from "../endpoint/host_resolver.ts";
import { examineAddress, explainUnknown } from "../endpoint/reach.ts";

/** One of these is looked at beside the ports that were named: is it one port that is shut, or all? */
const OTHER_PORTS = [443, 8443] as const;
/** What answers, answers such questions once a second at most. */
const ATTEMPTS = 2;
/** Addresses of one name that are looked at. */
const ADDRESSES_MAX = 4;

/** The findings; none where no relay is known. */
export async function examineRelays(relays: readonly EndpointAddress[]): Promise<FindingGroup[]> {
  if (relays.length === 0) return [];
  const hosts = [...new Set(relays.map(({ host }) => host))];
  const ways = hosts.flatMap((host) => {
    const ports = relays.filter((relay) => relay.host === host).map(({ port }) => port);
    const other = OTHER_PORTS.find((port) => !ports.includes(port));
    return [
      ...ports.map((port) => examineNamed(host, port)),
      ...(other === undefined ? [] : [examineOther(host, other)]),
    ];
  });
  const found = (await Promise.all(ways)).flat();
  // Where one way is good, the others need no advice.
  const isGood = found.some(({ answers }) => answers);
  const findings = found.map(({ what, how, advice }) =>
    isGood || advice === undefined ? { what, how } : { what, how, advice }
  );
  return [{ title: "Ways to the relay", findings }];
}

interface WayFinding extends Finding {
  readonly answers: boolean;
}

/** A port at which the relay is said to be. */
async function examineNamed(host: string, port: number): Promise<WayFinding[]> {
  const what = formatEndpointAddress({ host, port });
  const failed = ({ transport = "other", place = { host, port } }: ClosedReason): WayFinding => {
    const { what: how, advice } = reachText(transport, place);
    return { what, how, answers: false, ...(advice === undefined ? {} : { advice }) };
  };
  const known = await lookUpHost(host, port);
  if ("failure" in known) return [failed(explainUnknown(known.failure, host, port))];
  return await Promise.all(
    known.addresses.slice(0, ADDRESSES_MAX).map(async (address) => {
      const { answers, reason } = await examineAddress(host, address, { attempts: ATTEMPTS });
      if (!answers) return failed(reason);
      return { what, how: `A server answers at ${address.host}, UDP ${port}.`, answers };
    }),
  );
}

/** Another port: what the machine itself says of it shows that this network lets it out. */
async function examineOther(host: string, port: number): Promise<WayFinding[]> {
  const known = await lookUpHost(host, port);
  if ("failure" in known) return [];
  const [address] = known.addresses;
  const { answers, reason } = await examineAddress(host, address, { attempts: ATTEMPTS });
  const isThrough = answers || reason.transport === "nobodyListens";
  const how = isThrough
    ? `UDP ${port} gets through to ${address.host}${answers ? "" : ", where nobody listens"}.`
    : `UDP ${port}: nothing comes back from ${address.host}.`;
  return [{ what: "another port", how, answers: false }];
}
