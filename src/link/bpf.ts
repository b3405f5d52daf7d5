/**
 * Classic BPF programs: a kernel filter in front of a packet socket, so that frames which the
 * tunnel would not take are dropped before they cost anything.
 *
 * A filter here is only a shortcut. Whoever uses it checks every frame that comes through all the
 * same: a filter sees neither a second VLAN tag nor what a station moved behind odd headers.
 *
 * Instructions: https://docs.kernel.org/networking/filter.html
 *
 * @module
 */

import { SOCK_FILTER } from "../ffi/linux_layouts.ts";
import { IpProtocol } from "../proto/dissect.ts";
import { EtherType } from "../proto/ethernet.ts";
import { IPV6_HEADER_BYTES } from "../proto/ip.ts";

/** Classes, sizes, modes and operations of instructions (linux/bpf_common.h), combined. */
export const BpfCode = {
  loadWord: 0x20,
  loadHalf: 0x28,
  loadByte: 0x30,
  loadHalfIndexed: 0x48,
  loadXIpHeaderLength: 0xb1,
  jumpEqual: 0x15,
  jumpSet: 0x45,
  return: 0x06,
} as const;

/** What a filter returns: 0 drops the frame, anything else is the bytes of it to keep. */
const ACCEPT_ALL_BYTES = 0x7fffffff;
/** Reach of a conditional jump, in instructions. */
const JUMP_MAX = 255;
/** Instructions of one program (`BPF_MAXINSNS`). */
const INSTRUCTIONS_MAX = 4096;

/** Most MACs that a filter compares one by one; with more it lets all unicast frames through. */
export const FILTER_MACS_MAX = 256;

interface Instruction {
  readonly code: number;
  readonly k: number;
  /** Labels to jump to; `undefined`: go on with the next instruction. */
  readonly ifTrue?: string | undefined;
  readonly ifFalse?: string | undefined;
}

/** Collects instructions, and turns labels into distances. */
class BpfAssembler {
  readonly #instructions: Instruction[] = [];
  readonly #labels = new Map<string, number>();

  add(code: number, k: number): this {
    this.#instructions.push({ code, k });
    return this;
  }

  jump(code: number, k: number, ifTrue: string | undefined, ifFalse: string | undefined): this {
    this.#instructions.push({ code, k, ifTrue, ifFalse });
    return this;
  }

  label(name: string): this {
    this.#labels.set(name, this.#instructions.length);
    return this;
  }

  assemble(): Uint8Array<ArrayBuffer> {
    if (this.#instructions.length > INSTRUCTIONS_MAX) throw new RangeError("filter too long");
    const program = new Uint8Array(this.#instructions.length * SOCK_FILTER.sizeBytes);
    const view = new DataView(program.buffer);
    const { code, jt, jf, k } = SOCK_FILTER.fields;
    this.#instructions.forEach((instruction, index) => {
      const at = index * SOCK_FILTER.sizeBytes;
      view.setUint16(at + code.offset, instruction.code, true);
      view.setUint8(at + jt.offset, this.#distance(index, instruction.ifTrue));
      view.setUint8(at + jf.offset, this.#distance(index, instruction.ifFalse));
      view.setUint32(at + k.offset, instruction.k, true);
    });
    return program;
  }

  #distance(from: number, label: string | undefined): number {
    if (label === undefined) return 0;
    const target = this.#labels.get(label);
    if (target === undefined) throw new RangeError(`no label ${label}`);
    const distance = target - from - 1;
    if (distance < 0 || distance > JUMP_MAX) throw new RangeError(`label ${label} out of reach`);
    return distance;
  }
}

/** The far end of this process's own connection. */
export interface RelayEndpoint {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** What a bridge's filter lets through. */
export interface BridgeFilterOptions {
  /** MACs whose unicast frames are wanted, 6 bytes each. */
  readonly clientMacs: readonly Uint8Array[];
  /** UDP from or to here is never wanted, whomever it is addressed to. */
  readonly relay?: RelayEndpoint;
}

/**
 * A filter for a bridge into the tunnel: broadcast, multicast, and unicast to some MACs, but no
 * packet of the connection to the relay.
 */
export function bridgeFilter(options: BridgeFilterOptions): Uint8Array<ArrayBuffer> {
  const program = new BpfAssembler();
  if (options.relay !== undefined) refuseRelay(program, options.relay);
  program.label("destination")
    .add(BpfCode.loadByte, 0)
    .jump(BpfCode.jumpSet, 1, undefined, "unicast")
    .add(BpfCode.return, ACCEPT_ALL_BYTES)
    .label("unicast");
  if (options.clientMacs.length > FILTER_MACS_MAX) {
    return program.add(BpfCode.return, ACCEPT_ALL_BYTES).assemble();
  }
  program.add(BpfCode.loadWord, 2);
  options.clientMacs.forEach((mac, index) => {
    const next = `mac ${index + 1}`;
    program.jump(BpfCode.jumpEqual, word(mac, 2), undefined, next)
      .add(BpfCode.loadHalf, 0)
      .jump(BpfCode.jumpEqual, mac[0] << 8 | mac[1], undefined, `${next} again`)
      .add(BpfCode.return, ACCEPT_ALL_BYTES)
      .label(`${next} again`)
      .add(BpfCode.loadWord, 2)
      .label(next);
  });
  return program.add(BpfCode.return, 0).assemble();
}

const ETHER_TYPE = 12;
const NETWORK = 14;

/** Where classic BPF finds which way a frame goes: behind all that frames have (linux/filter.h). */
export const ANCILLARY_PACKET_TYPE = 0xffff_f004;
/** It leaves (linux/if_packet.h). */
export const PACKET_OUTGOING = 4;

/** A filter for what leaves this machine for one MAC, whatever it is. */
export function outgoingFilter(destination: Uint8Array): Uint8Array<ArrayBuffer> {
  return new BpfAssembler()
    .add(BpfCode.loadByte, ANCILLARY_PACKET_TYPE)
    .jump(BpfCode.jumpEqual, PACKET_OUTGOING, undefined, "no")
    .add(BpfCode.loadWord, 2)
    .jump(BpfCode.jumpEqual, word(destination, 2), undefined, "no")
    .add(BpfCode.loadHalf, 0)
    .jump(BpfCode.jumpEqual, destination[0] << 8 | destination[1], undefined, "no")
    .add(BpfCode.return, ACCEPT_ALL_BYTES)
    .label("no")
    .add(BpfCode.return, 0)
    .assemble();
}

/** Drops UDP whose source or destination is the relay; goes on at the label `destination`. */
function refuseRelay(program: BpfAssembler, relay: RelayEndpoint): void {
  const four = relay.address.length === 4;
  program.add(BpfCode.loadHalf, ETHER_TYPE)
    .jump(BpfCode.jumpEqual, four ? EtherType.ipv4 : EtherType.ipv6, undefined, "destination")
    .add(BpfCode.loadByte, NETWORK + (four ? 9 : 6))
    .jump(BpfCode.jumpEqual, IpProtocol.udp, undefined, "destination");
  refuseAt(program, relay, "source", NETWORK + (four ? 12 : 8), 0, "target");
  program.label("target");
  refuseAt(program, relay, "target", NETWORK + (four ? 16 : 24), 2, "destination");
}

function refuseAt(
  program: BpfAssembler,
  relay: RelayEndpoint,
  name: string,
  addressOffset: number,
  portOffset: number,
  otherwise: string,
): void {
  const { address, port } = relay;
  for (let at = 0; at < address.length; at += 4) {
    program.add(BpfCode.loadWord, addressOffset + at)
      .jump(BpfCode.jumpEqual, word(address, at), undefined, otherwise);
  }
  if (address.length === 4) {
    program.add(BpfCode.loadXIpHeaderLength, NETWORK)
      .add(BpfCode.loadHalfIndexed, NETWORK + portOffset);
  } else {
    program.add(BpfCode.loadHalf, NETWORK + IPV6_HEADER_BYTES + portOffset);
  }
  program.jump(BpfCode.jumpEqual, port, undefined, `${name} kept`)
    .add(BpfCode.return, 0)
    .label(`${name} kept`);
}

function word(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 24 | bytes[offset + 1] << 16 | bytes[offset + 2] << 8 |
    bytes[offset + 3]) >>> 0;
}
