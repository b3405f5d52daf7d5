/**
 * How it was checked what the client calls of Windows, where the test that names the call does not say it: for
 * `docs/WINDOWS.md`.
 */
const TESTS = new URL("../../tests/windows/", import.meta.url);

/** The test that asserts calls of the fakes' functions with their values, where it names them. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  client_test: [
    ..."CM_Disable_DevNode CM_Enable_DevNode CM_Locate_DevNodeW CreateIpForwardEntry2".split(" "),
    ..."DeleteIpForwardEntry2 SetIpInterfaceEntry".split(" "),
  ],
  policy_test: [
    ..."GetBestRoute2 GetIpForwardTable2 GetIpInterfaceEntry GetIpInterfaceTable".split(" "),
    "GetUnicastIpAddressTable",
  ],
  renew_test: ["IpReleaseAddress", "IpRenewAddress"],
  setup_test: [
    ..."SetupDiCallClassInstaller SetupDiCreateDeviceInfoList SetupDiCreateDeviceInfoW".split(" "),
    ..."SetupDiDestroyDeviceInfoList SetupDiGetINFClassW SetupDiSetDeviceRegistryPropertyW".split(
      " ",
    ),
    ..."UpdateDriverForPlugAndPlayDevicesW DiInstallDevice SetupDiOpenDeviceInfoW".split(" "),
    "SetupDiCreateDevRegKeyW",
  ],
  start_test: ["ShellExecuteExW"],
};

/** Functions of the fakes that no test names, and what would go wrong in the tests if they were misused. */
const BY_EFFECT: Readonly<Record<string, string>> = {
  CM_Get_DevNode_Status: "an adapter that is disabled stays so (`undo_test`)",
  CancelIPChangeNotify: "given another operation than it was begun with, it fails",
  ConvertInterfaceGuidToLuid:
    "knows the adapter by its GUID alone: everything else hangs on its answer",
  ConvertInterfaceIndexToLuid: "each route is added to the interface of the LUID that it gave",
  ConvertInterfaceLuidToIndex: "the index that the client says (`client_test`)",
  CreateUnicastIpAddressEntry: "each call with its values in `address_test`",
  DeleteUnicastIpAddressEntry: "each call with its values in `address_test`",
  FreeMibTable: "gives the memory back to the heap that it came from",
  GetAdaptersAddresses:
    "the name servers that are held, and the adapter that is named (`network_test`)",
  InitializeIpForwardEntry: "fills what the client leaves: without it lifetimes would be 0",
  InitializeIpInterfaceEntry: "empties the row; what is asked for is asserted (`policy_test`)",
  InitializeUnicastIpAddressEntry: "the lifetime that `address_test` asserts",
  IsUserAnAdmin: "each answer, and what follows, in `start_test`",
  NotifyAddrChange: "the client is back before its next look without a notice (`network_test`)",
  NotifyRouteChange: "a route that was deleted is back before the next look (`network_test`)",
};

/** What Wine shows of a function in part, and how the rest was checked. */
export const REMARKS: Readonly<Record<string, string>> = {
  WSAIoctl:
    "Wine has SIO_ADDRESS_LIST_CHANGE, but completes it, also of IPv6, at changes of IPv4 addresses " +
    "alone; it lacks SIO_ROUTING_INTERFACE_CHANGE, which is checked with injected functions " +
    "(`tests/unit/system/routes/windows_watch_test.ts`)",
};

/** What Windows does and neither Wine nor a fake shows: the call, what is not seen, what was done instead. */
export const UNSEEN: readonly (readonly [call: string, unseen: string, instead: string])[] = [
  [
    "`NtCreateFile`, `NtDeviceIoControlFile`, `NtReadFile`, `NtWriteFile`, `CancelIoEx` at the adapter",
    "the real driver, and its speed",
    "`fake_tap.c` follows TAP-Windows6's source: one opener, frames only with the cable in, reads that wait and are " +
    "cancelled, control codes and what they return, the name that is gone with the device",
  ],
  [
    "`CM_Disable_DevNode`, `CM_Enable_DevNode`",
    "that Windows restarts a device at once, and that the driver reads `NetworkAddress` then",
    "the driver's source; the client reads the MAC back, waits up to 10 s, and says it if it is another one " +
    "(`adapters_test`)",
  ],
  [
    "`SetupDi…`, `UpdateDriverForPlugAndPlayDevicesW`, `DiInstallDevice`",
    "the question whether to trust the publisher, and the driver's signature",
    "the steps are those of the pages for a root-enumerated device (`setup_test`); the refusals that a player can do " +
    "something about have lines of their own",
  ],
  [
    "all of them on Windows for ARM64, and in S mode",
    "an x86-64 program there: whether it may restart and make devices; S mode starts none that is not from the Store",
    "setupapi's refusal of other processors' programs has a line of its own (`adapters_test`), and so has a restart that " +
    "fails; PLAYERS.md says what to install",
  ],
  [
    "`SetIpInterfaceEntry`",
    "which interface broadcasts then leave by",
    "the page on the automatic metric; the client looks by itself each 5 s who owns 255.255.255.255 and 224.0.0.0/4, " +
    "and says it when it is another adapter. That `SitePrefixLength` must be 0 for IPv4 is among the page's remarks: the " +
    "fake refuses anything else",
  ],
  [
    "`CreateIpForwardEntry2`, `GetBestRoute2`",
    "the way of real packets",
    "the fake keeps a table with longest prefix and least metric; the client asks it again after each change",
  ],
  [
    "`NotifyAddrChange`, `NotifyRouteChange`",
    "how soon Windows tells of a change",
    "everything is looked at each 5 s without a notice, too",
  ],
  [
    "`WSAIoctl` with `SIO_ADDRESS_LIST_CHANGE`, `SIO_ROUTING_INTERFACE_CHANGE`",
    "that IPv6 ends the requests: under Wine IPv4 addresses end the first, and nothing the second",
    "the page on Winsock's IOCTLs, by which the unspecified address stands for every destination; the client is back by a " +
    "notice, and without one (`relays_test`)",
  ],
  [
    "`QueryUnbiasedInterruptTime` and `GetTickCount64`",
    "a PC that sleeps",
    "their pages: the first leaves sleep out, the second counts it. The rule is tested with clocks of the test's own " +
    "(`os_sleep_clock_test`); a client that stood still until the relay gave it up is back within 5 s (`network_test`)",
  ],
  [
    "`INetFwRules.Add`",
    "that packets are let in",
    "every property of the rules is asserted (`client_test`); what is said of profiles, interfaces, ports and addresses is " +
    "on the pages",
  ],
  [
    "`ShellExecuteExW` with `runas`",
    "Windows' question, and another user's answer to it",
    "verb, file, folder, parameters and both answers are asserted (`start_test`)",
  ],
  [
    "`SetConsoleCtrlHandler`",
    "that Windows ends the program when the handler has returned, or after 5 s",
    "the test has kernelbase's `CtrlRoutine` run in the client and looks what is taken back when it returns " +
    "(`network_test`)",
  ],
  [
    "`CreateWindowExW` and its messages",
    "how long Windows waits at a shutdown",
    "Wine sends the same messages (`session_end_test`); everything is done inside their answer",
  ],
  [
    "`SetDefaultDllDirectories`, and the load flags of the executable",
    "Windows' loader: Wine does not know the flags",
    "they are read out of the file, and a DLL of each name lies beside the client (`start_test`)",
  ],
  [
    "`timeBeginPeriod`",
    "waits of Windows, which without it take up to 15.6 ms: Wine's end in time",
    "its page; it is in force as long as the reactor is",
  ],
  [
    "`GetNamedSecurityInfoW`",
    "Windows' own access lists: Wine makes them of Unix' rights",
    "lists of Windows in `windows_program_folder_test`; a folder that all may write is refused (`adapters_test`)",
  ],
];

/** How each of the fakes' functions is checked. @throws {Error} nobody has said it, or it is not so */
export async function checksOf(names: Iterable<string>): Promise<ReadonlyMap<string, string>> {
  const checks = new Map<string, string>();
  for (const name of names) {
    const [test] = Object.entries(NAMED).find(([, named]) => named.includes(name)) ?? [];
    const how = test === undefined ? BY_EFFECT[name] : `\`${test}\``;
    if (how === undefined) throw new Error(`which test shows the call of ${name}?`);
    if (
      test !== undefined && !(await Deno.readTextFile(new URL(`${test}.ts`, TESTS))).includes(name)
    ) {
      throw new Error(`${test} does not name ${name}`);
    }
    checks.set(name, how);
  }
  return checks;
}
