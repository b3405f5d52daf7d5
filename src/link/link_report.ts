/**
 * An interface by its index, as the kernel describes it in one answer (`RTM_GETLINK`, rtnetlink(7)): whatever its name
 * is by now.
 *
 * @module
 */

import { Struct } from "../ffi/layout.ts";
import { Errno, SystemCallError } from "../ffi/libc.ts";
import { InterfaceFlag } from "../ffi/libc_net.ts";
import { IFINFOMSG, NLMSGHDR } from "../ffi/linux_layouts.ts";
import { LinkAttribute, NetlinkFlag, NetlinkType } from "../ffi/netlink_constants.ts";
import { askNetlink, encodeMessage, messageType, readAttributes } from "../system/netlink/mod.ts";

/** What the kernel says of an interface. */
export interface LinkReport {
  readonly index: number;
  readonly name: string;
  /** Administratively up. */
  readonly isUp: boolean;
  /** A cable is in it, or its other end is up. */
  readonly hasCarrier: boolean;
  readonly mtu: number;
  /** How many ask for frames of other stations; 0: they are not received. */
  readonly promiscuity: number;
  /** The bridge, bond or the like that it is a part of; 0: of none. */
  readonly masterIndex: number;
}

/**
 * Asks for an interface; undefined: there is none with this index any more.
 *
 * @throws {SystemCallError} the kernel cannot be asked
 */
export function reportLink(index: number): LinkReport | undefined {
  const body = new Struct(IFINFOMSG).setNumber("ifi_index", index);
  const question = encodeMessage(NetlinkType.getLink, NetlinkFlag.request, [body.bytes]);
  try {
    return readLinkReport(askNetlink(question, "RTM_GETLINK"));
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === Errno.ENODEV) return undefined;
    throw error;
  }
}

/** What an answer says; undefined: it describes no interface. */
export function readLinkReport(answer: Uint8Array<ArrayBuffer>): LinkReport | undefined {
  if (messageType(answer) !== NetlinkType.newLink) return undefined;
  const head = new DataView(answer.buffer, answer.byteOffset + NLMSGHDR.sizeBytes);
  const attributes = readAttributes(answer, IFINFOMSG.sizeBytes);
  const name = attributes.get(LinkAttribute.name);
  if (name === undefined) return undefined;
  const number = (attribute: number) => numberOf(attributes.get(attribute));
  return {
    index: head.getInt32(IFINFOMSG.fields.ifi_index.offset, true),
    name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
    isUp: (head.getUint32(IFINFOMSG.fields.ifi_flags.offset, true) & InterfaceFlag.up) !== 0,
    hasCarrier: (attributes.get(LinkAttribute.carrier)?.[0] ?? 1) !== 0,
    mtu: number(LinkAttribute.mtu),
    promiscuity: number(LinkAttribute.promiscuity),
    masterIndex: number(LinkAttribute.master),
  };
}

function numberOf(value: Uint8Array<ArrayBuffer> | undefined): number {
  return value?.length === 4 ? new DataView(value.buffer, value.byteOffset).getUint32(0, true) : 0;
}
