/**
 * The driver of a TAP-Windows6 adapter: opening its device, and what it is asked.
 *
 * @module
 */

import {
  DeviceIoConstant,
  IO_STATUS_BLOCK,
  OBJECT_ATTRIBUTES,
  UNICODE_STRING,
  windowsDeviceIo,
} from "../ffi/windows_device_io.ts";
import { Struct } from "../ffi/layout.ts";
import { wideString } from "../ffi/wide_string.ts";
import { EventConstant, windowsEvents } from "../ffi/windows_events.ts";
import { ntFailed, WindowsConstant, WindowsError } from "../ffi/windows_kernel.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { LinkError } from "./device.ts";
import type { TapAdapter } from "./tap_windows_adapters.ts";

/** `TAP_WIN_IOCTL_*`: CTL_CODE(FILE_DEVICE_UNKNOWN, n, METHOD_BUFFERED, FILE_ANY_ACCESS). */
export const TapControl = {
  getMac: controlCode(1),
  getVersion: controlCode(2),
  getMtu: controlCode(3),
  setMediaStatus: controlCode(6),
} as const;

function controlCode(number: number): number {
  const FILE_DEVICE_UNKNOWN = 0x22;
  return (FILE_DEVICE_UNKNOWN << 16) | (number << 2);
}

/** The version of a driver, as it says itself. */
export interface DriverVersion {
  readonly major: number;
  readonly minor: number;
}

/** A driver ends what it is asked at once; one that takes longer hangs. */
const ANSWER_MAX_MS = 5_000;

/** What a driver may still write to when it was given up: never given back. */
const retired: unknown[] = [];

/**
 * Opens an adapter's device, for overlapped operations.
 *
 * @returns its handle
 * @throws {LinkError} `name-taken`, `no-permission`, `no-such-interface`
 */
export function openDevice(adapter: TapAdapter): bigint {
  const c = DeviceIoConstant;
  // The kernel's name of what Win32 calls `\\.\Global\{GUID}.tap`.
  const name = wideString(`\\??\\Global\\${adapter.guid}.tap`);
  const bytes = name.byteLength - name.BYTES_PER_ELEMENT;
  const text = new Struct(UNICODE_STRING).setNumber("Length", bytes)
    .setNumber("MaximumLength", name.byteLength).setBuffer("Buffer", name);
  const attributes = new Struct(OBJECT_ATTRIBUTES)
    .setNumber("Length", OBJECT_ATTRIBUTES.sizeBytes)
    .setBuffer("ObjectName", text).setNumber("Attributes", c.OBJ_CASE_INSENSITIVE);
  const handle = new BigUint64Array(1);
  const { GENERIC_READ, GENERIC_WRITE, FILE_ATTRIBUTE_SYSTEM } = WindowsConstant;
  const status = windowsDeviceIo().NtCreateFile(
    handle,
    GENERIC_READ + GENERIC_WRITE + c.SYNCHRONIZE + c.FILE_READ_ATTRIBUTES,
    attributes.bytes,
    new Struct(IO_STATUS_BLOCK).bytes,
    null,
    FILE_ATTRIBUTE_SYSTEM,
    0,
    c.FILE_OPEN,
    c.FILE_NON_DIRECTORY_FILE,
    null,
    0,
  );
  // The structs are referred to here, so that they outlive the call.
  if (ntFailed(status)) throw openError(adapter, status, `${attributes.bytes.length} bytes`);
  return handle[0];
}

/**
 * The MAC that an adapter has: the first thing that is asked, since a driver that has stopped, or is not ours
 * alone, says so here.
 *
 * @throws {LinkError} as {@linkcode openDevice}
 */
export function readMac(handle: bigint, adapter: TapAdapter): Uint8Array {
  const mac = new Uint8Array(MAC_BYTES);
  const status = ask(handle, TapControl.getMac, mac);
  if (ntFailed(status)) throw openError(adapter, status, "its MAC");
  return mac;
}

/** The driver's version. @throws {WindowsError} */
export function readVersion(handle: bigint): DriverVersion {
  const [major, minor] = new Uint32Array(
    control(handle, TapControl.getVersion, new Uint8Array(12)).buffer,
  );
  return { major, minor };
}

/** The MTU that the driver was configured with. @throws {WindowsError} */
export function readMtu(handle: bigint): number {
  return new Uint32Array(control(handle, TapControl.getMtu, new Uint8Array(4)).buffer)[0];
}

/** Plugs the adapter's cable in, or pulls it out. @throws {WindowsError} */
export function setMediaStatus(handle: bigint, connected: boolean): void {
  const argument = new Uint8Array(new Uint32Array([connected ? 1 : 0]).buffer);
  control(handle, TapControl.setMediaStatus, argument);
}

/** What a player is told of an adapter that cannot be opened, by the kernel's or the driver's status. */
export function openError({ name }: TapAdapter, status: number, detail: string): LinkError {
  const cause = new WindowsError("opening the adapter", status, detail);
  const c = DeviceIoConstant;
  switch (status) {
    case c.STATUS_UNSUCCESSFUL: // what the driver says to a second opener
    case c.STATUS_SHARING_VIOLATION:
      return new LinkError(
        "name-taken",
        `another program uses the TAP adapter "${name}": end it, or add a second adapter (with ` +
          "OpenVPN's tapctl create)",
        { cause },
      );
    case c.STATUS_ACCESS_DENIED:
      return new LinkError(
        "no-permission",
        `not allowed to open the TAP adapter "${name}": start the program as administrator`,
        { cause },
      );
    case c.STATUS_IO_TIMEOUT:
      return new LinkError(
        "no-such-interface",
        `the driver of the TAP adapter "${name}" does not answer: restart Windows`,
        { cause },
      );
    case c.STATUS_NO_SUCH_DEVICE:
    case c.STATUS_OBJECT_NAME_NOT_FOUND:
    case c.STATUS_OBJECT_PATH_NOT_FOUND:
      return new LinkError(
        "no-such-interface",
        `the TAP adapter "${name}" is disabled, or its driver does not run: enable it among the network ` +
          "connections of Control Panel",
        { cause },
      );
    default:
      return new LinkError(
        "no-such-interface",
        `the TAP adapter "${name}" cannot be opened (Windows says 0x${
          status.toString(16)
        }): restart Windows`,
        { cause },
      );
  }
}

/** Asks the driver; what it answers takes the place of what it was given. @throws {WindowsError} */
function control(
  handle: bigint,
  code: number,
  data: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const status = ask(handle, code, data);
  if (!ntFailed(status)) return data;
  throw new WindowsError("NtDeviceIoControlFile", status, `0x${code.toString(16)}`);
}

/** Asks the driver, and waits for its answer in `data`; returns an NTSTATUS. */
function ask(handle: bigint, code: number, data: Uint8Array<ArrayBuffer>): number {
  const events = windowsEvents();
  const event = BigInt(events.CreateEventW(null, 1, 0, null));
  const outcome = new Struct(IO_STATUS_BLOCK);
  const pointer = Deno.UnsafePointer.of(data);
  const status = windowsDeviceIo().NtDeviceIoControlFile(
    handle,
    event,
    null,
    null,
    Deno.UnsafePointer.of(outcome.bytes),
    code,
    pointer,
    data.length,
    pointer,
    data.length,
  );
  if (status !== WindowsConstant.STATUS_PENDING) {
    events.CloseHandle(event);
    return status;
  }
  const hasEnded = events.WaitForSingleObject(event, ANSWER_MAX_MS) === EventConstant.WAIT_OBJECT_0;
  if (!hasEnded) retired.push(outcome, data);
  events.CloseHandle(event);
  return hasEnded ? outcome.getNumber("Status") : DeviceIoConstant.STATUS_IO_TIMEOUT;
}
