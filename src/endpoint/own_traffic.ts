/**
 * Recognises the packets of an endpoint's own connection to the relay.
 *
 * Such a packet must never enter the tunnel: each would come out as a larger one, which again
 * would enter the tunnel. A client sees them when the player's routes lead to the TAP, a gateway
 * when its promiscuous port is the one the relay is reached by.
 *
 * @module
 */

import { type Dissection, IpProtocol } from "../proto/dissect.ts";
import {
  IPV4_BYTES,
  IPV4_DESTINATION_OFFSET,
  IPV4_HEADER_BYTES,
  IPV4_SOURCE_OFFSET,
  IPV6_BYTES,
  IPV6_DESTINATION_OFFSET,
  IPV6_HEADER_BYTES,
  IPV6_SOURCE_OFFSET,
  parseIpAddress,
} from "../proto/ip.ts";

/** Connections that are tried at once; of more the first is forgotten. */
const TRIED_MAX = 16;

/** The relay's end of a connection. */
interface RelayEnd {
  /** 4 or 16. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** The ends of the live connection and of those that are tried, and the test of a frame against them. */
export class OwnTraffic {
  #live: RelayEnd | undefined;
  /** The endpoint's own UDP port of the live connection; 0 while it is not known: then any counts. */
  #localPort = 0;
  #tried: RelayEnd[] = [];

  /**
   * From now on packets to and from this address and UDP port, and no others, are the endpoint's own. False, and
   * nothing set, if the text is no IP address.
   */
  setRelay(address: string, port: number): boolean {
    const end = endOf(address, port);
    if (end === undefined) return false;
    this.clear();
    this.#live = end;
    this.#localPort = 0;
    return true;
  }

  /** Packets to and from this address and port are the endpoint's own as well: a connection is tried there. */
  tryRelay(address: string, port: number): boolean {
    const end = endOf(address, port);
    if (end === undefined) return false;
    this.#tried.push(end);
    if (this.#tried.length > TRIED_MAX) this.#tried.shift();
    return true;
  }

  /** From now on only packets from and to this UDP port of the endpoint's are the live connection's. */
  setLocalPort(port: number): void {
    this.#localPort = port;
  }

  /** Only the live connection is left. */
  dropTried(): void {
    this.#tried = [];
  }

  /** There is no connection any more. */
  clear(): void {
    this.#live = undefined;
    this.#tried = [];
  }

  //= PROTOCOL.md 12
  //# Never a frame whose source MAC is a client's, and never a packet of its own connection to the
  //# relay, in either direction: on a promiscuous port the tunnel would feed on itself.
  /**
   * Whether a frame is UDP between the relay's address and port and the endpoint's port, in either direction,
   * through whatever `dissect` saw through (VLAN tags, extension headers). The endpoint's address does not
   * count: a route that leads into the tunnel gives the packets another one. Later IP fragments carry no ports
   * and are never its own: msquic has the system send whole packets alone (`IP_DONTFRAGMENT`,
   * `IP_MTU_DISCOVER`), while a game server on the relay's machine sends long answers in fragments.
   * `endOffset` is the index after the frame.
   */
  matches(bytes: Uint8Array, endOffset: number, dissection: Dissection): boolean {
    if (dissection.ipProtocol !== IpProtocol.udp) return false;
    if (this.#live !== undefined) {
      if (matchesEnd(this.#live, this.#localPort, bytes, endOffset, dissection)) return true;
    }
    for (let index = 0; index < this.#tried.length; index++) {
      if (matchesEnd(this.#tried[index], 0, bytes, endOffset, dissection)) return true;
    }
    return false;
  }
}

function endOf(address: string, port: number): RelayEnd | undefined {
  const bytes = parseIpAddress(address);
  return bytes === undefined ? undefined : { address: bytes, port };
}

function matchesEnd(
  end: RelayEnd,
  localPort: number,
  bytes: Uint8Array,
  endOffset: number,
  { networkOffset: network, sourcePort, destinationPort, ipVersion }: Dissection,
): boolean {
  const addressBytes = end.address.length;
  if (ipVersion === 4 && addressBytes === IPV4_BYTES) {
    if (network + IPV4_HEADER_BYTES > endOffset) return false;
    const source = network + IPV4_SOURCE_OFFSET;
    const destination = network + IPV4_DESTINATION_OFFSET;
    return matchesSide(end, localPort, bytes, destination, destinationPort, sourcePort) ||
      matchesSide(end, localPort, bytes, source, sourcePort, destinationPort);
  }
  if (ipVersion === 6 && addressBytes === IPV6_BYTES) {
    if (network + IPV6_HEADER_BYTES > endOffset) return false;
    const source = network + IPV6_SOURCE_OFFSET;
    const destination = network + IPV6_DESTINATION_OFFSET;
    return matchesSide(end, localPort, bytes, destination, destinationPort, sourcePort) ||
      matchesSide(end, localPort, bytes, source, sourcePort, destinationPort);
  }
  return false;
}

function matchesSide(
  end: RelayEnd,
  localPort: number,
  bytes: Uint8Array,
  addressOffset: number,
  port: number,
  other: number,
): boolean {
  if (port !== end.port) return false;
  if (localPort !== 0 && other !== localPort) return false;
  for (let index = 0; index < end.address.length; index++) {
    if (bytes[addressOffset + index] !== end.address[index]) return false;
  }
  return true;
}
