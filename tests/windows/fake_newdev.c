/*
 * Installing a driver, in the place of Wine's newdev: the adapter of "adapter.reg" appears in the registry, unless a
 * file says that the player does not trust the publisher ("refused"). Another says what else is the matter ("driver"):
 * "publisher" (nobody knows it), "catalogue" (it does not fit), "kind" (of another Windows), "restart" (it is needed).
 * A third says what Windows' driver store has for a new device ("store"): "yes" (the driver), "old" (it reads its MAC
 * elsewhere), "late" (its adapter does not appear yet); without the file it has none.
 */
#define _NEWDEV_
#include <windows.h>
#include <setupapi.h>
#include "fake_log.h"

#define CLASS L"SYSTEM\\CurrentControlSet\\Control\\Class\\{4D36E972-E325-11CE-BFC1-08002BE10318}\\0007"
#define CONNECTION L"SYSTEM\\CurrentControlSet\\Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}\\" \
                   L"{11111111-2222-3333-4444-555555555555}\\Connection"

static void set_text(const WCHAR *key, const WCHAR *name, const WCHAR *text)
{
    HKEY opened;
    if (RegCreateKeyW(HKEY_LOCAL_MACHINE, key, &opened) != ERROR_SUCCESS) return;
    RegSetValueExW(opened, name, 0, REG_SZ, (const BYTE *)text, (DWORD)(lstrlenW(text) + 1) * 2);
    RegCloseKey(opened);
}

static void make_adapter(const WCHAR *name, const WCHAR *version, const WCHAR *id)
{
    set_text(CONNECTION, L"Name", name);
    set_text(CONNECTION, L"PnpInstanceID", L"ROOT\\NET\\0000");
    set_text(CLASS, L"NetCfgInstanceId", L"{11111111-2222-3333-4444-555555555555}");
    set_text(CLASS, L"DriverVersion", version);
    set_text(CLASS, L"ComponentId", id);
}

/* Size of a file beside the .inf file, which must all be there when Windows is given the package. */
static DWORD size_beside(const WCHAR *inf, const WCHAR *name)
{
    WCHAR path[MAX_PATH];
    WIN32_FILE_ATTRIBUTE_DATA data;
    lstrcpynW(path, inf, MAX_PATH - 16);
    for (WCHAR *at = path + lstrlenW(path); at > path && at[-1] != '\\'; at--) at[-1] = 0;
    lstrcatW(path, name);
    return GetFileAttributesExW(path, GetFileExInfoStandard, &data) ? data.nFileSizeLow : 0;
}

BOOL WINAPI UpdateDriverForPlugAndPlayDevicesW(HWND parent, const WCHAR *id, const WCHAR *inf, DWORD flags, BOOL *restart)
{
    record_call("UpdateDriverForPlugAndPlayDevicesW %s %ls %ls flags=%lu .cat=%lu .sys=%lu", parent == NULL ? "0" : "?",
                id, inf, flags, size_beside(inf, L"tap0901.cat"), size_beside(inf, L"tap0901.sys"));
    if (GetFileAttributesW(inf) == INVALID_FILE_ATTRIBUTES) return FALSE;
    if (GetFileAttributesW(L"Z:\\mnt\\refused") != INVALID_FILE_ATTRIBUTES) {
        SetLastError(0xe0000243); /* ERROR_AUTHENTICODE_PUBLISHER_NOT_TRUSTED */
        return FALSE;
    }
    *restart = TRUE;
    switch (word_of_test(L"Z:\\mnt\\driver")) {
    case 'p':
        SetLastError(0xe0000242); /* ERROR_AUTHENTICODE_TRUST_NOT_ESTABLISHED */
        return FALSE;
    case 'c':
        SetLastError(0xe000022f); /* ERROR_NO_CATALOG_FOR_OEM_INF */
        return FALSE;
    case 'k':
        SetLastError(0xe0000235); /* ERROR_IN_WOW64 */
        return FALSE;
    case 'r':
        return TRUE;
    }
    make_adapter(L"LAN party", L"9.27.0.0", id);
    *restart = FALSE;
    return TRUE;
}

/* The new adapter has the name that Windows gives it. */
BOOL WINAPI DiInstallDevice(HWND parent, HDEVINFO list, SP_DEVINFO_DATA *device, SP_DRVINFO_DATA_W *driver, DWORD flags,
                            BOOL *restart)
{
    char store = word_of_test(L"Z:\\mnt\\store");
    record_call("DiInstallDevice %s set=%lx device=%lu driver=%s flags=%lu", parent == NULL ? "0" : "?",
                (unsigned long)(ULONG_PTR)list, device->DevInst, driver == NULL ? "best" : "?", flags);
    *restart = FALSE;
    if (store == ' ') {
        SetLastError(0xe0000203); /* ERROR_NO_DRIVER_SELECTED */
        return FALSE;
    }
    if (store == 'l') return TRUE;
    make_adapter(L"Ethernet 7", store == 'o' ? L"9.21.2.0" : L"9.27.0.0", L"root\\tap0901");
    return TRUE;
}
