/**
 * What the client calls of Windows: read out of `src/ffi`, and written as one table with each
 * function's page in Microsoft's documentation, into `docs/WINDOWS.md`.
 */
import type { ComInterface } from "../../src/ffi/windows_com.ts";
import type { StructLayout } from "../../src/ffi/layout.ts";
import { listFiles } from "../build/cache.ts";
import { checksOf, REMARKS, UNSEEN } from "./windows_checks.ts";

const FFI = new URL("../../src/ffi/", import.meta.url);
const FAKES = new URL("../../tests/windows/", import.meta.url);

/** A function of a DLL. */
export interface WindowsFunction {
  readonly dll: string;
  readonly name: string;
  readonly symbol: Deno.ForeignFunction;
}

/** All that the client uses of Windows. */
export interface WindowsCalls {
  readonly functions: readonly WindowsFunction[];
  readonly interfaces: readonly ComInterface[];
  readonly structs: readonly StructLayout[];
}

/** Reads every module of `src/ffi` that speaks of Windows: nothing has to be listed twice. */
export async function readWindowsCalls(): Promise<WindowsCalls> {
  const functions = new Map<string, WindowsFunction>();
  const interfaces: ComInterface[] = [];
  const structs: StructLayout[] = [];
  for (const path of await listFiles(FFI.pathname, (path) => !path.endsWith(".ts"))) {
    const exported = Object.entries(await import(new URL(path, FFI).href));
    for (const [name, value] of exported) {
      if (name.endsWith("_SYMBOLS") && isLibraries(value)) {
        for (const found of functionsOf(value)) functions.set(`${found.dll} ${found.name}`, found);
      } else if (isInterface(value)) interfaces.push(value);
      else if (path.startsWith("windows_") && isStruct(value)) structs.push(value);
    }
  }
  const order = (one: WindowsFunction, other: WindowsFunction) =>
    one.dll.localeCompare(other.dll) || one.name.localeCompare(other.name);
  return { functions: [...functions.values()].sort(order), interfaces, structs };
}

function* functionsOf(
  libraries: Readonly<Record<string, Deno.ForeignLibraryInterface>>,
): Iterable<WindowsFunction> {
  for (const [dll, symbols] of Object.entries(libraries)) {
    for (const [key, symbol] of Object.entries(symbols)) {
      if (!("parameters" in symbol)) throw new TypeError(`${key} of ${dll} is no function`);
      yield { dll, name: symbol.name ?? key, symbol };
    }
  }
}

function isLibraries(
  value: unknown,
): value is Readonly<Record<string, Deno.ForeignLibraryInterface>> {
  return isRecord(value) && Object.keys(value).every((key) => key.endsWith(".dll"));
}

function isInterface(value: unknown): value is ComInterface {
  return isRecord(value) && "methods" in value && "header" in value;
}

function isStruct(value: unknown): value is StructLayout {
  return isRecord(value) && "sizeBytes" in value && "fields" in value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Headers that functions are documented under, where their DLL does not tell. */
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  aclapi: ["GetNamedSecurityInfoW"],
  errhandlingapi: ["GetLastError"],
  fileapi: ["CreateDirectoryW"],
  handleapi: ["CloseHandle"],
  ioapiset: ["CancelIoEx", "CreateIoCompletionPort", "GetQueuedCompletionStatusEx"],
  libloaderapi: ["GetModuleHandleW", "SetDefaultDllDirectories"],
  processthreadsapi: [
    ..."GetCurrentProcess GetExitCodeProcess GetProcessTimes OpenProcess".split(" "),
    "SetProcessInformation",
  ],
  sddl: [
    "ConvertSecurityDescriptorToStringSecurityDescriptorW",
    "ConvertStringSecurityDescriptorToSecurityDescriptorW",
  ],
  shlobj_core: ["IsUserAnAdmin", "SHGetKnownFolderPath"],
  synchapi: ["CreateEventW", "ResetEvent", "WaitForSingleObject"],
  sysinfoapi: ["GetSystemDirectoryW", "GetTickCount64"],
  realtimeapiset: ["QueryUnbiasedInterruptTime"],
  iphlpapi: [
    ..."CancelIPChangeNotify GetAdaptersAddresses IpReleaseAddress IpRenewAddress".split(" "),
    ..."NotifyAddrChange NotifyRouteChange".split(" "),
  ],
  winbase: ["GlobalLock", "GlobalSize", "GlobalUnlock", "LocalFree"],
  winsock: ["WSAStartup", "closesocket", "getsockopt"],
  winsock2: ["WSAIoctl", "WSARecv", "WSASocketW", "connect", "send"],
};

/** The header of most functions of a DLL. */
const HEADER_OF_DLL: Readonly<Record<string, string>> = {
  "advapi32.dll": "winreg",
  "cfgmgr32.dll": "cfgmgr32",
  "crypt32.dll": "wincrypt",
  "iphlpapi.dll": "netioapi",
  "newdev.dll": "newdev",
  "ole32.dll": "combaseapi",
  "oleaut32.dll": "oleauto",
  "setupapi.dll": "setupapi",
  "shell32.dll": "shellapi",
  "user32.dll": "winuser",
  "winmm.dll": "timeapi",
  "ws2_32.dll": "ws2tcpip",
};

const MICROSOFT = "https://learn.microsoft.com";

/** Pages that are not among those of Win32's headers. */
const PAGES: Readonly<Record<string, string>> = {
  GetConsoleSelectionInfo: `${MICROSOFT}/windows/console/getconsoleselectioninfo`,
  GetConsoleProcessList: `${MICROSOFT}/windows/console/getconsoleprocesslist`,
  K32EnumProcesses: `${MICROSOFT}/windows/win32/api/psapi/nf-psapi-enumprocesses`,
  NtCreateFile: `${MICROSOFT}/windows/win32/api/winternl/nf-winternl-ntcreatefile`,
  NtDeviceIoControlFile:
    `${MICROSOFT}/windows/win32/api/winternl/nf-winternl-ntdeviceiocontrolfile`,
  NtReadFile: `${MICROSOFT}/windows-hardware/drivers/ddi/ntifs/nf-ntifs-ntreadfile`,
  NtWriteFile: `${MICROSOFT}/windows-hardware/drivers/ddi/ntifs/nf-ntifs-ntwritefile`,
  SetConsoleCtrlHandler: `${MICROSOFT}/windows/console/setconsolectrlhandler`,
  _putenv: `${MICROSOFT}/cpp/c-runtime-library/reference/putenv-wputenv`,
  bsearch: `${MICROSOFT}/cpp/c-runtime-library/reference/bsearch`,
  memcpy: `${MICROSOFT}/cpp/c-runtime-library/reference/memcpy-wmemcpy`,
};

/** A function's page. @throws {Error} nobody has said where it is documented */
export function pageOf({ dll, name }: WindowsFunction): string {
  if (PAGES[name] !== undefined) return PAGES[name];
  const [header] = Object.entries(HEADERS).find(([, names]) => names.includes(name)) ??
    [HEADER_OF_DLL[dll]];
  if (header === undefined) throw new Error(`which header is ${name} of ${dll} documented under?`);
  return `${MICROSOFT}/windows/win32/api/${header}/nf-${header}-${name.toLowerCase()}`;
}

/** The functions that a fake has in the place of Wine's. */
async function fakedNames(): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const path of await listFiles(FAKES.pathname, (path) => !/^fake_.*\.c$/.test(path))) {
    const text = await Deno.readTextFile(new URL(path, FAKES));
    for (const [, name] of text.matchAll(/^\S.* WINAPI (\w+)\(/gm)) names.set(name, path);
  }
  return names;
}

const HEAD = `# What the client calls of Windows

Made by \`deno task docs\` out of the tables in \`src/ffi\`; a test compares.

How each is checked, since no Windows is at hand:

- **Signature, constants, sizes and offsets**: all of them against mingw-w64's headers, by its compiler
  (\`tests/windows/layouts_test.ts\`): number of parameters, the size of each, and which are pointers; for methods of
  component objects their place in the table of functions and their whole C type.
- **Behaviour** as the page says it. *Wine*: the compiled client calls Wine's own implementation. *fake*: Wine lacks the
  function, or a test must not do what it does (change a driver, ask a person); a DLL of the tests stands in its place,
  checks what it is given, and writes the call down, and the test that is named asserts it with its values and its
  order. Where a fake's function is named by no test, the table says what would show its misuse.
  *page*: Wine lacks it, and the client does without where it is lacking; nothing but the page could be asked.
`;

/** The table's text. */
export async function windowsTable(): Promise<string> {
  const { functions, interfaces, structs } = await readWindowsCalls();
  const faked = await fakedNames();
  const checks = await checksOf(
    functions.map(({ name }) => name).filter((name) => faked.has(name)),
  );
  const rows = functions.map((entry) => {
    const { dll, name, symbol } = entry;
    const fake = faked.get(name);
    const shown = fake === undefined ? "Wine" : `fake: \`${fake}\`; ${checks.get(name)}`;
    const seen = REMARKS[name] ?? ("optional" in symbol ? "page" : shown);
    return `| ${dll} | [\`${name}\`](${pageOf(entry)}) | ${signatureOf(symbol)} | ${seen} |`;
  });
  const methods = interfaces.flatMap(({ name, page, methods }) =>
    Object.entries(methods).map(([method, { slot, parameters }]) => {
      const link = `${page}-${method.toLowerCase()}`;
      const types = parameters.map((type) => type.replaceAll("*", "\\*")).join(", ");
      const fake = name.startsWith("INetFw") ? "fake_hnetcfg.c" : "fake_netprofm.c";
      const test = name === "INetFwRule" || name === "INetFwRules"
        ? "; `client_test`"
        : "; the doctor's report in `client_test`";
      return `| ${name} | [\`${method}\`](${link}) | ${slot} | ${types} | fake: \`${fake}\`${test} |`;
    })
  );
  const layouts = structs.map(({ name, page, sizeBytes, fields }) =>
    `| [\`${name}\`](${page}) | ${sizeBytes} | ${
      Object.entries(fields).map(([key, field]) =>
        `${"member" in field && field.member !== undefined ? field.member : key} @${field.offset}`
      ).join(", ")
    } |`
  );
  return [
    HEAD,
    "## Functions\n",
    "| DLL | function | parameters → result | seen with |",
    "|---|---|---|---|",
    ...rows,
    "\n## Methods of component objects\n",
    "| interface | method | place | parameters | seen with |",
    "|---|---|---|---|---|",
    ...methods,
    "\n## Structs\n",
    "| struct | bytes | members used |",
    "|---|---|---|",
    ...layouts,
    "\n## What neither Wine nor a fake can show\n",
    "| call | not seen | instead |",
    "|---|---|---|",
    ...UNSEEN.map((row) => `| ${row.join(" | ")} |`),
    "",
  ].join("\n");
}

function signatureOf({ parameters, result }: Deno.ForeignFunction): string {
  return `${parameters.length === 0 ? "–" : parameters.join(", ")} → ${String(result)}`;
}
