/**
 * Windows' component objects (ole32, oleaut32): making one, and calling its methods, which stand in
 * a table of functions that its memory begins with.
 *
 * @module
 */

import { Struct, type StructLayout } from "./layout.ts";
import { systemDll } from "./system_dll.ts";
import { wideString } from "./wide_string.ts";
import { guidBytes } from "./windows_guid.ts";
import { WindowsError } from "./windows_kernel.ts";

/** A value of any type, as automation passes it. */
export const VARIANT = {
  name: "VARIANT",
  header: "oaidl.h",
  page: "https://learn.microsoft.com/windows/win32/api/oaidl/ns-oaidl-variant",
  sizeBytes: 24,
  fields: {
    vt: { offset: 0, type: "u16" },
    bstrVal: { offset: 8, type: "pointer" },
    parray: { offset: 8, type: "pointer" },
  },
} as const satisfies StructLayout;

/** Constants of objbase.h, wtypesbase.h, wtypes.h and winerror.h, by their names there. */
export const ComConstant = {
  COINIT_MULTITHREADED: 0,
  CLSCTX_INPROC_SERVER: 1,
  CLSCTX_LOCAL_SERVER: 4,
  S_OK: 0,
  S_FALSE: 1,
  VT_BSTR: 8,
  VT_VARIANT: 12,
  VT_ARRAY: 0x2000,
  VARIANT_TRUE: -1,
  VARIANT_FALSE: 0,
} as const;

const OLE_SYMBOLS = {
  CoInitializeEx: {
    parameters: ["pointer", /* pvReserved */ "u32" /* dwCoInit */],
    result: "i32",
  },
  CoUninitialize: { parameters: [], result: "void" },
  CoCreateInstance: {
    parameters: [
      "buffer", /* rclsid */
      "pointer", /* pUnkOuter */
      "u32", /* dwClsContext */
      "buffer", /* riid */
      "buffer", /* ppv, out */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const AUTOMATION_SYMBOLS = {
  SysAllocString: { parameters: ["buffer" /* psz */], result: "pointer" },
  SysFreeString: { parameters: ["pointer" /* bstrString */], result: "void" },
  SafeArrayCreateVector: {
    parameters: ["u16", /* vt */ "i32", /* lLbound */ "u32" /* cElements */],
    result: "pointer",
  },
  SafeArrayPutElement: {
    parameters: ["pointer", /* psa */ "buffer", /* rgIndices */ "buffer" /* pv */],
    result: "i32",
  },
  SafeArrayDestroy: { parameters: ["pointer" /* psa */], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_COM_SYMBOLS = {
  "ole32.dll": OLE_SYMBOLS,
  "oleaut32.dll": AUTOMATION_SYMBOLS,
} as const;

/** Types of methods' parameters, as C has them, and what they are for a foreign function. */
export const COM_TYPES = {
  "BSTR": "pointer",
  "LONG": "i32",
  "long": "i32",
  "ULONG": "u32",
  "VARIANT_BOOL": "i16",
  /** Larger than a register, so that the ABI has a pointer to it. */
  "VARIANT": "buffer",
  "NET_FW_RULE_DIRECTION": "i32",
  "NET_FW_ACTION": "i32",
  "NET_FW_PROFILE_TYPE2": "i32",
  "INetFwRule *": "pointer",
  "INetFwRules **": "buffer",
  "IEnumNetworkConnections **": "buffer",
  "INetworkConnection **": "buffer",
  "INetwork **": "buffer",
  "LONG *": "buffer",
  "ULONG *": "buffer",
  "GUID *": "buffer",
  "VARIANT_BOOL *": "buffer",
  "NET_FW_ACTION *": "buffer",
  "NET_FW_MODIFY_STATE *": "buffer",
  "NLM_NETWORK_CATEGORY *": "buffer",
} as const satisfies Readonly<Record<string, Deno.NativeType>>;

/** The C type of a parameter. */
export type ComType = keyof typeof COM_TYPES;

/** One method of an interface. */
export interface ComMethod {
  /** Its place in the table of functions. */
  readonly slot: number;
  /** Its parameters behind the object itself. */
  readonly parameters: readonly ComType[];
}

/** An interface: what an object can do. */
export interface ComInterface {
  readonly name: string;
  readonly header: string;
  /** The folder of its methods' pages, up to `-METHOD`. */
  readonly page: string;
  readonly methods: Readonly<Record<string, ComMethod>>;
}

type Argument = number | bigint | Deno.PointerValue | BufferSource;

let ole: Deno.DynamicLibrary<typeof OLE_SYMBOLS> | undefined;
let automation: Deno.DynamicLibrary<typeof AUTOMATION_SYMBOLS> | undefined;

function oleSymbols() {
  ole ??= Deno.dlopen(systemDll("ole32.dll"), OLE_SYMBOLS);
  return ole.symbols;
}

function automationSymbols() {
  automation ??= Deno.dlopen(systemDll("oleaut32.dll"), AUTOMATION_SYMBOLS);
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
    if (pointer === null) throw new WindowsError(type.name, 0, "no object");
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

  #call(slot: number, types: readonly Deno.NativeType[], args: readonly Argument[]): number {
    const table = new Deno.UnsafePointerView(this.pointer).getPointer(0);
    if (table === null) throw new WindowsError(this.#interface.name, 0, "no methods");
    const address = new Deno.UnsafePointerView(table).getBigUint64(slot * 8);
    const pointer = Deno.UnsafePointer.create<Deno.ForeignFunction>(address);
    if (pointer === null) throw new WindowsError(this.#interface.name, 0, `no method ${slot}`);
    const type: Deno.ForeignFunction = { parameters: ["pointer", ...types], result: "i32" };
    const method = new Deno.UnsafeFnPointer<Deno.ForeignFunction>(pointer, type);
    return method.call(this.pointer, ...args) as number;
  }

  [Symbol.dispose](): void {
    const RELEASE = 2; // of IUnknown, which every interface begins with
    this.#call(RELEASE, [], []);
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
