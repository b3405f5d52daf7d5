/*
 * Setting networks, in the place of Wine's netsh, which does nothing: a connection's name in the registry, and whether
 * the adapter asks for its address. Calls are written down. A file of the test's says that it is not possible
 * ("nameless"), another that a service of Windows' does not answer ("netsh").
 */
#include <windows.h>
#include <stdlib.h>
#include <wchar.h>
#include "fake_log.h"

#define CONNECTIONS L"SYSTEM\\CurrentControlSet\\Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}"

/* Renames the connection of that key, if it is the one. */
static BOOL rename_one(const WCHAR *guid, const WCHAR *from, const WCHAR *to)
{
    WCHAR path[512], name[256];
    DWORD bytes = sizeof name;
    HKEY key;
    BOOL done = FALSE;
    if (_snwprintf(path, 512, L"%ls\\%ls\\Connection", CONNECTIONS, guid) < 0) return FALSE;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ | KEY_SET_VALUE, &key) != ERROR_SUCCESS) return FALSE;
    if (RegQueryValueExW(key, L"Name", NULL, NULL, (BYTE *)name, &bytes) == ERROR_SUCCESS && wcscmp(name, from) == 0) {
        done = RegSetValueExW(key, L"Name", 0, REG_SZ, (const BYTE *)to, (DWORD)(wcslen(to) + 1) * 2) == ERROR_SUCCESS;
    }
    RegCloseKey(key);
    return done;
}

#define PARAMETERS L"SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces\\" \
                   L"{11111111-2222-3333-4444-555555555555}"

/* Says whether the adapter asks for its address. */
static int set_dhcp(DWORD is_on)
{
    HKEY key;
    if (RegCreateKeyW(HKEY_LOCAL_MACHINE, PARAMETERS, &key) != ERROR_SUCCESS) return 1;
    RegSetValueExW(key, L"EnableDHCP", 0, REG_DWORD, (const BYTE *)&is_on, sizeof is_on);
    RegCloseKey(key);
    return 0;
}

int wmain(int count, WCHAR **words)
{
    WCHAR guid[256];
    HKEY key;
    BOOL done = FALSE;
    record_call("netsh %ls", wcschr(GetCommandLineW(), L' ') + 1);
    if (GetFileAttributesW(L"Z:\\mnt\\netsh") != INVALID_FILE_ATTRIBUTES) Sleep(INFINITE);
    if (GetFileAttributesW(L"Z:\\mnt\\nameless") != INVALID_FILE_ATTRIBUTES) return 1;
    if (count > 5 && wcscmp(words[2], L"ipv4") == 0) return set_dhcp(wcscmp(words[count - 1], L"source=dhcp") == 0);
    if (count != 6 || wcsncmp(words[4], L"name=", 5) != 0 || wcsncmp(words[5], L"newname=", 8) != 0) return 1;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, CONNECTIONS, 0, KEY_READ, &key) != ERROR_SUCCESS) return 1;
    for (DWORD i = 0; !done && RegEnumKeyW(key, i, guid, 256) == ERROR_SUCCESS; i++) {
        done = rename_one(guid, words[4] + 5, words[5] + 8);
    }
    RegCloseKey(key);
    return done ? 0 : 1;
}
