/**
 * Windows' component objects (ole32, oleaut32): what makes them, and how an interface of theirs is
 * described.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

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
    pdispVal: { offset: 8, type: "pointer" },
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
  VT_DISPATCH: 9,
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
  "IUnknown **": "buffer",
  "BSTR *": "buffer",
  "VARIANT *": "buffer",
  "NET_FW_RULE_DIRECTION *": "buffer",
  "LONG *": "buffer",
  "long *": "buffer",
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

/** One value after the other. */
export const IEnumVARIANT = {
  name: "IEnumVARIANT",
  header: "oaidl.h",
  page: "https://learn.microsoft.com/windows/win32/api/oaidl/nf-oaidl-ienumvariant",
  methods: { Next: { slot: 3, parameters: ["ULONG", "VARIANT *", "ULONG *"] } },
} as const satisfies ComInterface;
export const IID_IEnumVARIANT = "{00020404-0000-0000-C000-000000000046}";
