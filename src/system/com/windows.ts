/**
 * Windows' component objects: making one, and calling its methods, which stand in a table of functions
 * that its memory begins with.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import { readWideString, wideString } from "../../ffi/wide_string.ts";
import {
  COM_TYPES,
  ComConstant,
  type ComInterface,
  type IEnumVARIANT,
  VARIANT,
  WINDOWS_COM_SYMBOLS,
} from "../../ffi/windows_com.ts";
import { guidBytes } from "../../ffi/windows_guid.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";

/** Longest text that is read, in UTF-16 units. */
const TEXT_UNITS_MAX = 1024;

type Argument = number | bigint | Deno.PointerValue | BufferSource;

let ole: Deno.DynamicLibrary<(typeof WINDOWS_COM_SYMBOLS)["ole32.dll"]> | undefined;
let automation: Deno.DynamicLibrary<(typeof WINDOWS_COM_SYMBOLS)["oleaut32.dll"]> | undefined;

function oleSymbols() {
  ole ??= Deno.dlopen(systemDll("ole32.dll"), WINDOWS_COM_SYMBOLS["ole32.dll"]);
  return ole.symbols;
}

function automationSymbols() {
  automation ??= Deno.dlopen(systemDll("oleaut32.dll"), WINDOWS_COM_SYMBOLS["oleaut32.dll"]);
  return automation.symbols;
}

/** Runs with component objects at hand. */
export function withCom<T>(work: () => T): T {
  // It fails where the thread has chosen another way before: then objects can be made as well.
  const initialized = oleSymbols().CoInitializeEx(null, ComConstant.COINIT_MULTITHREADED) >= 0;
  try {
    return work();
  } finally {
    if (initialized) oleSymbols().CoUninitialize();
  }
}

/** A component object behind one of its interfaces. */
export class ComObject<I extends ComInterface> implements Disposable {
  readonly pointer: Deno.PointerObject;
  readonly #interface: I;

  /**
   * Makes an object.
   *
   * @throws {WindowsError} with an HRESULT: its class is not there
   */
  static create<I extends ComInterface>(clsid: string, iid: string, type: I): ComObject<I> {
    const out = new BigUint64Array(1);
    const { CLSCTX_INPROC_SERVER, CLSCTX_LOCAL_SERVER } = ComConstant;
    const result = oleSymbols().CoCreateInstance(
      guidBytes(clsid),
      null,
      CLSCTX_INPROC_SERVER | CLSCTX_LOCAL_SERVER,
      guidBytes(iid),
      out,
    );
    if (result !== 0) throw new WindowsError("CoCreateInstance", result >>> 0, type.name);
    return ComObject.at(out[0], type);
  }

  /** The object at an address that a method has given, with its reference. */
  static at<I extends ComInterface>(address: bigint, type: I): ComObject<I> {
    const pointer = Deno.UnsafePointer.create(address);
    if (pointer === null) throw new WindowsError(type.name, undefined, "no object");
    return new ComObject(pointer, type);
  }

  private constructor(pointer: Deno.PointerObject, type: I) {
    this.pointer = pointer;
    this.#interface = type;
  }

  /**
   * Calls a method.
   *
   * @returns its result where it is no failure
   * @throws {WindowsError} with an HRESULT
   */
  call(name: keyof I["methods"] & string, ...args: readonly Argument[]): number {
    const { slot, parameters } = this.#interface.methods[name];
    const result = this.#call(slot, parameters.map((type) => COM_TYPES[type]), args);
    if (result >= 0) return result;
    throw new WindowsError(`${this.#interface.name}::${name}`, result >>> 0);
  }

  /** Calls a method that answers with another object. @throws {WindowsError} */
  get<T extends ComInterface>(name: keyof I["methods"] & string, type: T): ComObject<T> {
    const out = new BigUint64Array(1);
    this.call(name, out);
    return ComObject.at(out[0], type);
  }

  /** Another interface of the object. @throws {WindowsError} with an HRESULT: it has none */
  as<T extends ComInterface>(iid: string, type: T): ComObject<T> {
    const QUERY_INTERFACE = 0; // of IUnknown
    const out = new BigUint64Array(1);
    const result = this.#call(QUERY_INTERFACE, ["buffer", "buffer"], [guidBytes(iid), out]);
    if (result < 0) throw new WindowsError(`${this.#interface.name}::QueryInterface`, result >>> 0);
    return ComObject.at(out[0], type);
  }

  /** Calls a method that answers with a text; a null pointer is an empty one. @throws {WindowsError} */
  text(name: keyof I["methods"] & string): string {
    const out = new BigUint64Array(1);
    this.call(name, out);
    const pointer = Deno.UnsafePointer.create(out[0]);
    if (pointer === null) return "";
    const view = new Deno.UnsafePointerView(pointer);
    const units = new Uint16Array(TEXT_UNITS_MAX);
    for (let at = 0; at < units.length - 1; at++) {
      units[at] = view.getUint16(2 * at);
      if (units[at] === 0) break;
    }
    automationSymbols().SysFreeString(pointer);
    return readWideString(units);
  }

  #call(slot: number, types: readonly Deno.NativeType[], args: readonly Argument[]): number {
    const table = new Deno.UnsafePointerView(this.pointer).getPointer(0);
    if (table === null) throw new WindowsError(this.#interface.name, undefined, "no methods");
    const address = new Deno.UnsafePointerView(table).getBigUint64(slot * 8);
    const pointer = Deno.UnsafePointer.create<Deno.ForeignFunction>(address);
    if (pointer === null) {
      throw new WindowsError(this.#interface.name, undefined, `no method ${slot}`);
    }
    const type: Deno.ForeignFunction = { parameters: ["pointer", ...types], result: "i32" };
    const method = new Deno.UnsafeFnPointer<Deno.ForeignFunction>(pointer, type);
    return method.call(this.pointer, ...args) as number;
  }

  [Symbol.dispose](): void {
    const RELEASE = 2; // of IUnknown, which every interface begins with
    this.#call(RELEASE, [], []);
  }
}

/**
 * The objects that an enumerator hands out, behind one of their interfaces; each is let go when the next is asked
 * for.
 *
 * @throws {WindowsError} with an HRESULT
 */
export function* eachObject<T extends ComInterface>(
  enumerator: ComObject<typeof IEnumVARIANT>,
  iid: string,
  type: T,
): Iterable<ComObject<T>> {
  const value = new Struct(VARIANT);
  const fetched = new Uint32Array(1);
  for (;;) {
    const result = enumerator.call("Next", 1, value.bytes, fetched);
    if (result !== ComConstant.S_OK || fetched[0] === 0) return;
    const address = Deno.UnsafePointer.value(value.getPointer("pdispVal"));
    if (value.getNumber("vt") !== ComConstant.VT_DISPATCH || address === 0n) continue;
    using found = ComObject.at(address, type);
    using object = found.as(iid, type);
    yield object;
  }
}

/** A string as automation has it; to be freed by leaving its scope. */
export class AutomationString implements Disposable {
  readonly pointer: Deno.PointerValue;

  constructor(text: string) {
    this.pointer = automationSymbols().SysAllocString(wideString(text));
  }

  [Symbol.dispose](): void {
    automationSymbols().SysFreeString(this.pointer);
  }
}

/** A list of texts as one value (`VT_ARRAY | VT_VARIANT`); to be freed by leaving its scope. */
export class TextList implements Disposable {
  /** To be passed for a parameter of the type VARIANT. */
  readonly variant: Uint8Array<ArrayBuffer>;
  readonly #array: Deno.PointerValue;

  constructor(texts: readonly string[]) {
    const symbols = automationSymbols();
    const { VT_ARRAY, VT_BSTR, VT_VARIANT } = ComConstant;
    this.#array = symbols.SafeArrayCreateVector(VT_VARIANT, 0, texts.length);
    texts.forEach((text, index) => {
      using string = new AutomationString(text);
      const element = new Struct(VARIANT)
        .setNumber("vt", VT_BSTR)
        .setPointer("bstrVal", string.pointer);
      // The array keeps a copy of its own.
      const result = symbols.SafeArrayPutElement(
        this.#array,
        new Int32Array([index]),
        element.bytes,
      );
      if (result !== 0) throw new WindowsError("SafeArrayPutElement", result >>> 0);
    });
    this.variant = new Struct(VARIANT)
      .setNumber("vt", VT_ARRAY | VT_VARIANT)
      .setPointer("parray", this.#array).bytes;
  }

  [Symbol.dispose](): void {
    automationSymbols().SafeArrayDestroy(this.#array);
  }
}
