/*
 * The part of setupapi that Wine lacks or must not do: making a device, each call of the client's written down.
 * Wine's own programs, which start drivers by it, are handed on to Wine's own DLL.
 */
#define _SETUPAPI_
#include <windows.h>
#include <setupapi.h>
#include "fake_log.h"

static const GUID net = {0x4d36e972, 0xe325, 0x11ce, {0xbf, 0xc1, 0x08, 0x00, 0x2b, 0xe1, 0x03, 0x18}};
/* Whether this process is the client; else a call goes to Wine's. */
static BOOL is_client(void)
{
    static int known; /* 1: no, 2: yes */
    if (known == 0) {
        WCHAR path[512];
        DWORD length = GetModuleFileNameW(NULL, path, 512);
        known = length > 19 && lstrcmpiW(path + length - 19, L"lanparty-client.exe") == 0 ? 2 : 1;
    }
    return known == 2;
}

#define WINES(name) ((__typeof__(&name))(void *)GetProcAddress(LoadLibraryW(L"setupapi_wine.dll"), #name))

#define CONTROL L"SYSTEM\\CurrentControlSet\\Control"
#define CLASS CONTROL L"\\Class\\{4D36E972-E325-11CE-BFC1-08002BE10318}"
#define CONNECTIONS CONTROL L"\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}"

#define PARAMETERS L"SYSTEM\\CurrentControlSet\\Enum\\ROOT\\NET\\0000\\Device Parameters"

/* The device that is being made, and the one that is there. */
#define MADE 77
#define FOUND 78

static const HDEVINFO set = (HDEVINFO)(ULONG_PTR)0x5e7;

BOOL WINAPI SetupDiGetINFClassW(PCWSTR inf, LPGUID guid, PWSTR name, DWORD length, PDWORD needed)
{
    if (!is_client()) return WINES(SetupDiGetINFClassW)(inf, guid, name, length, needed);
    (void)needed;
    record_call("SetupDiGetINFClassW %ls", inf);
    if (length < 4 || GetFileAttributesW(inf) == INVALID_FILE_ATTRIBUTES) return FALSE;
    *guid = net;
    lstrcpyW(name, L"Net");
    return TRUE;
}

HDEVINFO WINAPI SetupDiCreateDeviceInfoList(const GUID *guid, HWND parent)
{
    if (!is_client()) return WINES(SetupDiCreateDeviceInfoList)(guid, parent);
    (void)parent;
    record_call("SetupDiCreateDeviceInfoList %s", IsEqualGUID(guid, &net) ? "Net" : "?");
    return set;
}

BOOL WINAPI SetupDiCreateDeviceInfoW(HDEVINFO list, PCWSTR name, const GUID *guid, PCWSTR description, HWND parent,
                                     DWORD flags, PSP_DEVINFO_DATA device)
{
    if (!is_client()) return WINES(SetupDiCreateDeviceInfoW)(list, name, guid, description, parent, flags, device);
    (void)guid, (void)description, (void)parent;
    record_call("SetupDiCreateDeviceInfoW %s %ls flags=%lu size=%lu", list == set ? "set" : "?", name, flags,
                device->cbSize);
    device->DevInst = MADE;
    return TRUE;
}

BOOL WINAPI SetupDiSetDeviceRegistryPropertyW(HDEVINFO list, PSP_DEVINFO_DATA device, DWORD property,
                                              const BYTE *data, DWORD length)
{
    if (!is_client()) return WINES(SetupDiSetDeviceRegistryPropertyW)(list, device, property, data, length);
    const WCHAR *text = (const WCHAR *)data;
    DWORD units = length / 2;
    record_call("SetupDiSetDeviceRegistryPropertyW %s device=%lu property=%lu %ls%s", list == set ? "set" : "?",
                device->DevInst, property, text,
                units >= 2 && text[units - 1] == 0 && text[units - 2] == 0 ? " (ends with two zeros)" : "");
    return TRUE;
}

HKEY WINAPI SetupDiCreateDevRegKeyW(HDEVINFO list, PSP_DEVINFO_DATA device, DWORD scope, DWORD profile, DWORD type,
                                    HINF inf, PCWSTR section)
{
    HKEY key;
    if (!is_client()) return WINES(SetupDiCreateDevRegKeyW)(list, device, scope, profile, type, inf, section);
    record_call("SetupDiCreateDevRegKeyW %s device=%lu scope=%lu profile=%lu type=%lu %s", list == set ? "set" : "?",
                device->DevInst, scope, profile, type, inf == NULL && section == NULL ? "0" : "?");
    return RegCreateKeyW(HKEY_LOCAL_MACHINE, PARAMETERS, &key) == ERROR_SUCCESS ? key : INVALID_HANDLE_VALUE;
}

BOOL WINAPI SetupDiCallClassInstaller(DI_FUNCTION function, HDEVINFO list, PSP_DEVINFO_DATA device)
{
    if (!is_client()) return WINES(SetupDiCallClassInstaller)(function, list, device);
    record_call("SetupDiCallClassInstaller 0x%x %s device=%lu", function, list == set ? "set" : "?", device->DevInst);
    if (function == DIF_REMOVE) RegDeleteTreeW(HKEY_LOCAL_MACHINE, PARAMETERS);
    if (function == DIF_REMOVE && device->DevInst == FOUND) {
        RegDeleteTreeW(HKEY_LOCAL_MACHINE, CLASS L"\\0007");
        RegDeleteTreeW(HKEY_LOCAL_MACHINE, CONNECTIONS L"\\{11111111-2222-3333-4444-555555555555}");
    }
    return TRUE;
}

BOOL WINAPI SetupDiOpenDeviceInfoW(HDEVINFO list, PCWSTR id, HWND parent, DWORD flags, PSP_DEVINFO_DATA device)
{
    if (!is_client()) return WINES(SetupDiOpenDeviceInfoW)(list, id, parent, flags, device);
    record_call("SetupDiOpenDeviceInfoW %s %ls flags=%lu size=%lu", list == set ? "set" : "?", id, flags, device->cbSize);
    device->DevInst = FOUND;
    return lstrcmpiW(id, L"ROOT\\NET\\0000") == 0;
}

BOOL WINAPI SetupDiDestroyDeviceInfoList(HDEVINFO list)
{
    if (!is_client()) return WINES(SetupDiDestroyDeviceInfoList)(list);
    record_call("SetupDiDestroyDeviceInfoList %s", list == set ? "set" : "?");
    return TRUE;
}
