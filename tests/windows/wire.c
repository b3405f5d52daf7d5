/*
 * Carries frames between the fake driver's wire and a UDP port of this machine, for Wine.
 *
 *   wire.exe LOCAL-PORT REMOTE-PORT    until it is killed
 *   wire.exe record                    prints what was asked of the driver so far
 *   wire.exe present | absent          puts the adapter in, or pulls it out
 *   wire.exe close-window              tells the client, as Windows would, that its window is closed
 *   wire.exe spoil-metric              gives the adapter another metric and MTU for IPv4, as other programs do
 *   wire.exe spoil-ipv6-metric         gives it another metric for IPv6
 *   wire.exe take ADDRESS              takes an address of 24 bits from the adapter, as other programs do
 *   wire.exe hold                      opens the adapter as soon as it is free, and holds it until it is killed
 */
#define _WIN32_WINNT 0x0A00
#include <winsock2.h>
#include <windows.h>
#include <winioctl.h>
#include <tlhelp32.h>
#include <ws2tcpip.h>
#include <iphlpapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIRE_CONTROL(n) CTL_CODE(FILE_DEVICE_UNKNOWN, n, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define TAP L"\\\\.\\Global\\{11111111-2222-3333-4444-555555555555}.tap"
#define INDEX_OF_TAP 7
#define FRAME_BYTES 2048

static HANDLE device;
static SOCKET link;
static struct sockaddr_in remote;

static void __attribute__((noreturn)) fail(const char *call, unsigned long code)
{
    fprintf(stderr, "%s failed: %lu\n", call, code);
    exit(1);
}

/* One overlapped operation, waited for: reads and writes go on at the same time on one handle. */
static DWORD transfer(BOOL writes, unsigned char *frame, DWORD length)
{
    OVERLAPPED overlapped;
    DWORD bytes = 0;
    memset(&overlapped, 0, sizeof overlapped);
    overlapped.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
    BOOL done = writes ? WriteFile(device, frame, length, NULL, &overlapped)
                       : ReadFile(device, frame, length, NULL, &overlapped);
    if (!done && GetLastError() != ERROR_IO_PENDING) fail(writes ? "WriteFile" : "ReadFile", GetLastError());
    if (!GetOverlappedResult(device, &overlapped, &bytes, TRUE)) fail("GetOverlappedResult", GetLastError());
    CloseHandle(overlapped.hEvent);
    return bytes;
}

static DWORD WINAPI __attribute__((noreturn)) from_driver(void *unused)
{
    static unsigned char frame[FRAME_BYTES];
    (void)unused;
    for (;;) {
        DWORD length = transfer(FALSE, frame, sizeof frame);
        sendto(link, (char *)frame, (int)length, 0, (struct sockaddr *)&remote, sizeof remote);
    }
}

static void __attribute__((noreturn)) carry(int local_port, int remote_port)
{
    static unsigned char frame[FRAME_BYTES];
    WSADATA data;
    struct sockaddr_in local;
    WSAStartup(MAKEWORD(2, 2), &data);
    memset(&local, 0, sizeof local);
    local.sin_family = AF_INET;
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    remote = local;
    local.sin_port = htons((u_short)local_port);
    remote.sin_port = htons((u_short)remote_port);
    link = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(link, (struct sockaddr *)&local, sizeof local) != 0) fail("bind", WSAGetLastError());
    CreateThread(NULL, 0, from_driver, NULL, 0, NULL);
    printf("carrying\n");
    fflush(stdout);
    for (;;) {
        int length = recv(link, (char *)frame, sizeof frame, 0);
        if (length > 0) transfer(TRUE, frame, (DWORD)length);
    }
}

/* Another program that uses the adapter. */
static void __attribute__((noreturn)) hold(void)
{
    unsigned char mac[6];
    DWORD bytes;
    for (;;) {
        HANDLE tap = CreateFileW(TAP, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
        /* Wine does not say that the driver has refused it. */
        if (tap != INVALID_HANDLE_VALUE &&
            DeviceIoControl(tap, WIRE_CONTROL(1), NULL, 0, mac, sizeof mac, &bytes, NULL)) break;
        if (tap != INVALID_HANDLE_VALUE) CloseHandle(tap);
        Sleep(1);
    }
    printf("holding\n");
    fflush(stdout);
    for (;;) Sleep(1000);
}

static int spoil_metric(ADDRESS_FAMILY family)
{
    MIB_IPINTERFACE_ROW row;
    InitializeIpInterfaceEntry(&row);
    row.Family = family;
    DWORD code = ConvertInterfaceIndexToLuid(INDEX_OF_TAP, &row.InterfaceLuid);
    if (code == NO_ERROR) code = GetIpInterfaceEntry(&row);
    row.Metric = 50;
    if (family == AF_INET) row.NlMtu = 1300;
    row.SitePrefixLength = 0;
    if (code == NO_ERROR) code = SetIpInterfaceEntry(&row);
    if (code != NO_ERROR) fail("SetIpInterfaceEntry", code);
    return 0;
}

static int take_address(const char *text)
{
    MIB_UNICASTIPADDRESS_ROW row;
    InitializeUnicastIpAddressEntry(&row);
    row.Address.si_family = AF_INET;
    row.InterfaceIndex = INDEX_OF_TAP;
    row.OnLinkPrefixLength = 24;
    if (inet_pton(AF_INET, text, &row.Address.Ipv4.sin_addr) != 1) fail("inet_pton", 0);
    DWORD code = DeleteUnicastIpAddressEntry(&row);
    if (code != NO_ERROR) fail("DeleteUnicastIpAddressEntry", code);
    return 0;
}

static DWORD find_client(void)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE processes = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    for (BOOL more = Process32FirstW(processes, &entry); more; more = Process32NextW(processes, &entry)) {
        if (lstrcmpiW(entry.szExeFile, L"lanparty-client.exe") == 0) return entry.th32ProcessID;
    }
    fail("Process32NextW", GetLastError());
}

/* A thread in the program that runs this function of kernelbase is how Windows tells it. */
static int close_window(void)
{
    HANDLE client = OpenProcess(PROCESS_ALL_ACCESS, FALSE, find_client());
    void *routine = (void *)GetProcAddress(GetModuleHandleW(L"kernelbase.dll"), "CtrlRoutine");
    if (client == NULL || routine == NULL) fail("GetProcAddress", GetLastError());
    HANDLE thread = CreateRemoteThread(client, NULL, 0, routine, (void *)CTRL_CLOSE_EVENT, 0, NULL);
    if (thread == NULL) fail("CreateRemoteThread", GetLastError());
    DWORD waited = WaitForSingleObject(thread, 5000);
    printf("the handler has %s\n", waited == WAIT_OBJECT_0 ? "returned" : "not returned");
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "spoil-metric") == 0) return spoil_metric(AF_INET);
    if (count == 2 && strcmp(arguments[1], "spoil-ipv6-metric") == 0) return spoil_metric(AF_INET6);
    if (count == 3 && strcmp(arguments[1], "take") == 0) return take_address(arguments[2]);
    if (count == 2 && strcmp(arguments[1], "close-window") == 0) return close_window();
    if (count == 2 && strcmp(arguments[1], "hold") == 0) hold();
    device = CreateFileW(L"\\\\.\\Global\\lanparty-wire", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                         FILE_FLAG_OVERLAPPED, NULL);
    if (device == INVALID_HANDLE_VALUE) fail("CreateFileW", GetLastError());
    if (count == 3) carry(atoi(arguments[1]), atoi(arguments[2]));
    static const char *const names[] = {"opened", "closed", "macReads", "versionReads", "mtuReads", "mediaOn",
                                        "mediaOff", "reads", "writes", "dropped", "tooShort", "lost", "untagged", "padded",
                                        "tooLong"};
    enum { VALUES = sizeof names / sizeof *names };
    ULONG values[VALUES] = {0};
    DWORD bytes;
    if (count == 2 && strcmp(arguments[1], "record") == 0) {
        if (!DeviceIoControl(device, WIRE_CONTROL(0x100), NULL, 0, values, sizeof values, &bytes, NULL)) {
            fail("DeviceIoControl", GetLastError());
        }
        for (int i = 0; i < VALUES; i++) printf("%s%s=%lu", i ? " " : "", names[i], values[i]);
        printf("\n");
        return 0;
    }
    values[0] = count == 2 && strcmp(arguments[1], "present") == 0;
    if (!DeviceIoControl(device, WIRE_CONTROL(0x101), values, 4, NULL, 0, &bytes, NULL)) {
        fail("DeviceIoControl", GetLastError());
    }
    return 0;
}
