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

/** The ends of the live connection, and the test of a frame against them. */
export class OwnTraffic {
  readonly #relay = new Uint8Array(IPV6_BYTES);
  /** 4 or 16; 0 while there is no connection. */
  #relayBytes = 0;
  #relayPort = 0;
  /** The endpoint's own UDP port; 0 while it is not known: then any counts. */
  #localPort = 0;

  /**
   * From now on packets to and from this address and UDP port are the endpoint's own. False, and
   * nothing set, if the text is no IP address.
   */
  setRelay(address: string, port: number): boolean {
    const bytes = parseIpAddress(address);
    if (bytes === undefined) return false;
    this.#relay.set(bytes);
    this.#relayBytes = bytes.length;
    this.#relayPort = port;
    this.#localPort = 0;
    return true;
  }

  /** From now on only packets from and to this UDP port of the endpoint's are its own. */
  setLocalPort(port: number): void {
    this.#localPort = port;
  }

  /** There is no connection any more. */
  clear(): void {
    this.#relayBytes = 0;
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
    if (this.#relayBytes === 0 || dissection.ipProtocol !== IpProtocol.udp) return false;
    const { networkOffset: network, sourcePort, destinationPort } = dissection;
    const { ipVersion } = dissection;
    if (ipVersion === 4 && this.#relayBytes === IPV4_BYTES) {
      if (network + IPV4_HEADER_BYTES > endOffset) return false;
      const source = network + IPV4_SOURCE_OFFSET;
      const destination = network + IPV4_DESTINATION_OFFSET;
      return this.#matchesSide(bytes, destination, destinationPort, sourcePort) ||
        this.#matchesSide(bytes, source, sourcePort, destinationPort);
    }
    if (ipVersion === 6 && this.#relayBytes === IPV6_BYTES) {
      if (network + IPV6_HEADER_BYTES > endOffset) return false;
      const source = network + IPV6_SOURCE_OFFSET;
      const destination = network + IPV6_DESTINATION_OFFSET;
      return this.#matchesSide(bytes, destination, destinationPort, sourcePort) ||
        this.#matchesSide(bytes, source, sourcePort, destinationPort);
    }
    return false;
  }

  #matchesSide(bytes: Uint8Array, addressOffset: number, port: number, other: number): boolean {
    if (port !== this.#relayPort) return false;
    if (this.#localPort !== 0 && other !== this.#localPort) return false;
    for (let index = 0; index < this.#relayBytes; index++) {
      if (bytes[addressOffset + index] !== this.#relay[index]) return false;
    }
    return true;
  }
}
