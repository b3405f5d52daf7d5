/**
 * The features of a network interface (offloads, above all), read and set as `ethtool -k` and
 * `ethtool -K` do, by their names in the kernel.
 *
 * @module
 */

import {
  ETH_GSTRING_LEN,
  ETH_SS_FEATURES,
  ETHTOOL_DRVINFO,
  ETHTOOL_GET_FEATURES_BLOCK,
  ETHTOOL_GFEATURES,
  ETHTOOL_GSTRINGS,
  ETHTOOL_SET_FEATURES_BLOCK,
  ETHTOOL_SFEATURES,
  ETHTOOL_SSET_INFO,
  EthtoolCommand,
  SIOCETHTOOL,
} from "../ffi/ethtool_layouts.ts";
import { checkCall, closeFd, errno, SystemCallError } from "../ffi/libc.ts";
import { AddressFamily, libcNet, SOCK_CLOEXEC, SOCK_DGRAM } from "../ffi/libc_net.ts";
import { interfaceError, interfaceRequest } from "./interface.ts";

/** One feature of an interface. */
export interface InterfaceFeature {
  /** What it does now. */
  readonly on: boolean;
  /** Whether it can be changed. */
  readonly changeable: boolean;
}

/** Features in one block of an answer. */
const BLOCK_FEATURES = 32;
/** More than any kernel has; a bound for what an answer may make us allocate. */
const FEATURES_MAX = 1024;

/**
 * All features of an interface by the kernel's names, such as `rx-gro`.
 *
 * @throws {LinkError} `no-such-interface`, `bad-name`
 */
export function readFeatures(interfaceName: string): ReadonlyMap<string, InterfaceFeature> {
  const ask = asker(interfaceName);
  try {
    const names = featureNames(ask);
    const blocks = Math.ceil(names.length / BLOCK_FEATURES);
    const head = ETHTOOL_GFEATURES.sizeBytes;
    const block = ETHTOOL_GET_FEATURES_BLOCK;
    const request = new DataView(new ArrayBuffer(head + blocks * block.sizeBytes));
    request.setUint32(ETHTOOL_GFEATURES.fields.cmd.offset, EthtoolCommand.getFeatures, true);
    request.setUint32(ETHTOOL_GFEATURES.fields.size.offset, blocks, true);
    ask("ETHTOOL_GFEATURES", request);
    const bit = (index: number, member: keyof typeof block.fields): boolean => {
      const at = head + Math.floor(index / BLOCK_FEATURES) * block.sizeBytes;
      const word = request.getUint32(at + block.fields[member].offset, true);
      return (word >>> index % BLOCK_FEATURES & 1) === 1;
    };
    return new Map(names.map((name, index) => [name, {
      on: bit(index, "active"),
      changeable: bit(index, "available") && !bit(index, "never_changed"),
    }]));
  } finally {
    ask.close();
  }
}

/**
 * Sets features; names that the kernel does not have are left out. What a driver does not allow stays
 * as it was: read them again to know.
 *
 * @throws {LinkError} `no-such-interface`, `bad-name`, `no-permission`
 */
export function setFeatures(
  interfaceName: string,
  changes: Readonly<Record<string, boolean>>,
): void {
  const ask = asker(interfaceName);
  try {
    const names = featureNames(ask);
    const blocks = Math.ceil(names.length / BLOCK_FEATURES);
    const head = ETHTOOL_SFEATURES.sizeBytes;
    const { sizeBytes, fields } = ETHTOOL_SET_FEATURES_BLOCK;
    const request = new DataView(new ArrayBuffer(head + blocks * sizeBytes));
    request.setUint32(ETHTOOL_SFEATURES.fields.cmd.offset, EthtoolCommand.setFeatures, true);
    request.setUint32(ETHTOOL_SFEATURES.fields.size.offset, blocks, true);
    for (const [name, on] of Object.entries(changes)) {
      const index = names.indexOf(name);
      if (index < 0) continue;
      const at = head + Math.floor(index / BLOCK_FEATURES) * sizeBytes;
      const mask = 1 << index % BLOCK_FEATURES;
      const add = (offset: number) =>
        request.setUint32(at + offset, (request.getUint32(at + offset, true) | mask) >>> 0, true);
      add(fields.valid.offset);
      if (on) add(fields.requested.offset);
    }
    ask("ETHTOOL_SFEATURES", request);
  } finally {
    ask.close();
  }
}

/**
 * The name of what drives an interface, such as `e1000e`, `veth` or `macvlan`; undefined: it does not tell.
 *
 * @throws {LinkError} `no-such-interface`, `bad-name`
 */
export function driverOf(interfaceName: string): string | undefined {
  const ask = asker(interfaceName);
  try {
    const request = new DataView(new ArrayBuffer(ETHTOOL_DRVINFO.sizeBytes));
    request.setUint32(0, EthtoolCommand.getDriverInfo, true);
    ask("ETHTOOL_GDRVINFO", request);
    const { offset, sizeBytes } = ETHTOOL_DRVINFO.fields.driver;
    const name = new TextDecoder().decode(new Uint8Array(request.buffer, offset, sizeBytes));
    return name.split("\0", 1)[0] || undefined;
  } catch (error) {
    // A driver that knows no such questions (EOPNOTSUPP).
    if (error instanceof SystemCallError) return undefined;
    throw error;
  } finally {
    ask.close();
  }
}

/** Asks the kernel about one interface: the answer comes in the question's place. */
interface Asker {
  (call: string, request: DataView<ArrayBuffer>): void;
  close(): void;
}

function asker(interfaceName: string): Asker {
  const request = interfaceRequest(interfaceName);
  const libc = libcNet();
  const fd = checkCall("socket", libc.socket(AddressFamily.inet, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const ask = (call: string, question: DataView<ArrayBuffer>) => {
    request.setBuffer("ifr_data", question.buffer);
    if (libc.ioctl(fd, SIOCETHTOOL, request.bytes) >= 0) return;
    throw interfaceError(call, errno(), interfaceName);
  };
  return Object.assign(ask, { close: () => closeFd(fd) });
}

/** The names of all features that this kernel knows, by their numbers. */
function featureNames(ask: Asker): string[] {
  const info = ETHTOOL_SSET_INFO;
  const question = new DataView(new ArrayBuffer(info.sizeBytes + 4));
  question.setUint32(info.fields.cmd.offset, EthtoolCommand.getStringSetInfo, true);
  question.setBigUint64(info.fields.sset_mask.offset, 1n << BigInt(ETH_SS_FEATURES), true);
  ask("ETHTOOL_GSSET_INFO", question);
  const count = Math.min(question.getUint32(info.sizeBytes, true), FEATURES_MAX);

  const { sizeBytes, fields } = ETHTOOL_GSTRINGS;
  const strings = new DataView(new ArrayBuffer(sizeBytes + count * ETH_GSTRING_LEN));
  strings.setUint32(fields.cmd.offset, EthtoolCommand.getStrings, true);
  strings.setUint32(fields.string_set.offset, ETH_SS_FEATURES, true);
  strings.setUint32(fields.len.offset, count, true);
  ask("ETHTOOL_GSTRINGS", strings);
  return Array.from({ length: count }, (_, index) => {
    const bytes = new Uint8Array(strings.buffer, sizeBytes + index * ETH_GSTRING_LEN, 32);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  });
}
