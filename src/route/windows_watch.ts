/**
 * Notices that Windows' addresses or IPv4 routes have changed. The notices come as events that are looked
 * at now and then: Windows' newer functions call back on a thread of their own, on which none of this
 * program's code may run.
 *
 * @module
 */

import { addressOf } from "../ffi/layout.ts";
import { EventConstant, windowsEvents } from "../ffi/windows_events.ts";
import { IpConstant, windowsIp } from "../ffi/windows_ip.ts";
import { OVERLAPPED } from "../ffi/windows_kernel.ts";

type NotifyCall = "NotifyAddrChange" | "NotifyRouteChange";

/** One kind of notice: an event, and the operation that sets it. */
class Notice {
  readonly #call: NotifyCall;
  readonly #event: bigint;
  readonly #overlapped = new Uint8Array(OVERLAPPED.sizeBytes);
  readonly #pointer: Deno.PointerValue;
  readonly #handle = new BigUint64Array(1);
  #waits = false;

  constructor(call: NotifyCall) {
    this.#call = call;
    // It resets itself when it was seen.
    this.#event = windowsEvents().CreateEventW(null, 0, 0, null);
    const view = new DataView(this.#overlapped.buffer);
    view.setBigUint64(OVERLAPPED.fields.hEvent.offset, this.#event, true);
    this.#pointer = Deno.UnsafePointer.create(addressOf(this.#overlapped));
    this.#begin();
  }

  /** Whether something has changed since the last time; a notice that cannot be had tells nothing. */
  take(): boolean {
    if (!this.#waits) return false;
    const wait = windowsEvents().WaitForSingleObject;
    if (wait(this.#event, 0) !== EventConstant.WAIT_OBJECT_0) return false;
    this.#begin();
    return true;
  }

  close(): void {
    if (this.#waits) windowsIp().CancelIPChangeNotify(this.#pointer);
    this.#waits = false;
    windowsEvents().CloseHandle(this.#event);
  }

  #begin(): void {
    const code = windowsIp()[this.#call](this.#handle, this.#pointer);
    this.#waits = code === IpConstant.NO_ERROR || code === IpConstant.ERROR_IO_PENDING;
  }
}

/** See the module. */
export class WindowsNetworkNotices {
  readonly #notices = [new Notice("NotifyAddrChange"), new Notice("NotifyRouteChange")];

  /** Whether addresses or routes have changed since the last time. */
  take(): boolean {
    let changed = false;
    for (const notice of this.#notices) if (notice.take()) changed = true;
    return changed;
  }

  /** Ends the notices. */
  close(): void {
    for (const notice of this.#notices) notice.close();
  }
}
