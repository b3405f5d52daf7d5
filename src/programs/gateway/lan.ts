/**
 * A gateway's way to its LAN: a packet socket at a card, or a port of its own at a bridge.
 *
 * @module
 */
import { BridgePort } from "../../link/bridge_port.ts";
import { type LanDevice, LinkError, type LinkErrorCode } from "../../link/device.ts";
import { queryInterface } from "../../link/interface.ts";
import { PacketSocket } from "../../link/packet_socket.ts";
import type { BufferPool } from "../../queue/buffer_pool.ts";
import { inspectInterface, judgeInterface, reachNote } from "./interfaces.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { Capability, hasCapability } from "../../system/rights/mod.ts";
import { randomBytes } from "../common/random.ts";
import { UserError } from "../../log/user_error.ts";

/** The open LAN. */
export interface GatewayLan extends LanDevice {
  /** Has the kernel drop what a classic BPF program refuses, where that is possible. */
  setFilter?(program: Uint8Array<ArrayBuffer>): void;
  /** The port at a bridge, if it is one. */
  readonly portName?: string;
  /** The MAC of that port, which no station has. */
  readonly portMac?: Uint8Array;
  /** Whether the bridge lets nothing through at that port, by its spanning tree. */
  readonly blocked?: boolean;
}

const MAC_SUFFIX_BYTES = 4;
/** Why there may be no port at a bridge, though the bridge can be used. */
const PORT_REFUSALS: readonly LinkErrorCode[] = ["no-permission", "no-tun-driver"];

/** Refuses a start without the rights that it takes. @throws {UserError} */
export function requireLanRights(): void {
  if (hasCapability(Capability.netRaw)) return;
  throw new UserError("lanparty-gateway reads a LAN interface: it needs root or CAP_NET_RAW");
}

/**
 * Refuses an interface that cannot be bridged.
 *
 * @throws {UserError} it cannot be bridged, or is not there
 */
export function requireLan(name: string): ReturnType<typeof inspectInterface> {
  let info: ReturnType<typeof inspectInterface>;
  try {
    info = inspectInterface(name);
  } catch (cause) {
    if (!(cause instanceof LinkError)) throw cause;
    throw new UserError(cause.message, { cause });
  }
  const { fitness, reasons } = judgeInterface(info);
  if (fitness === "unfit") throw new UserError(`"${name}" cannot be bridged: ${reasons[0]}`);
  return info;
}

/**
 * The same, and says what will not work with others.
 *
 * @throws {UserError} see {@linkcode requireLan}
 */
export function checkInterface(name: string, logger: Logger): void {
  const info = requireLan(name);
  const { reasons } = judgeInterface(info);
  for (const reason of reasons) logText(logger, "warning", `About ${name}: ${reason}`);
  const note = reachNote(info);
  if (note !== undefined) logText(logger, "info", note);
}

/**
 * Opens the LAN: at a bridge a port of its own, unless the rights or the system do not allow it.
 *
 * @throws {LinkError} it cannot be opened
 */
export function openLan(name: string, pool: BufferPool, logger: Logger): GatewayLan {
  if (queryInterface(name).bridge) {
    try {
      return BridgePort.open({ bridge: name, pool, macSuffix: randomBytes(MAC_SUFFIX_BYTES) });
    } catch (cause) {
      if (!(cause instanceof LinkError) || !PORT_REFUSALS.includes(cause.code)) throw cause;
      const text = `Players do not reach this machine itself, without a port of its own at ${name}`;
      logText(logger, "warning", `${text}: ${cause.message}`);
    }
  }
  return PacketSocket.open({ interface: name });
}
