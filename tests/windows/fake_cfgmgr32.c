/*
 * The part of cfgmgr32 that Wine lacks: restarting the fake adapter's device. The rest is forwarded to a renamed
 * copy of Wine's own DLL. A file of the test's says what the device is like: "veto" (it may not be stopped), "slow"
 * (that takes two seconds).
 */
#include "fake_log.h"
#include <winioctl.h>

#define WIRE_SET_PRESENT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x101, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define SUCCESS 0u
#define NO_SUCH_DEVICE 13u
#define FAILURE 19u
#define REMOVE_VETOED 23u
#define DEVICE 7u

static DWORD set_present(DWORD present)
{
    DWORD bytes;
    HANDLE wire = CreateFileW(L"\\\\.\\Global\\lanparty-wire", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                              0, NULL);
    if (wire == INVALID_HANDLE_VALUE) return FAILURE;
    BOOL done = DeviceIoControl(wire, WIRE_SET_PRESENT, &present, sizeof present, NULL, 0, &bytes, NULL);
    CloseHandle(wire);
    return done ? SUCCESS : FAILURE;
}

DWORD WINAPI CM_Locate_DevNodeW(DWORD *device, const WCHAR *id, ULONG flags)
{
    record_call("CM_Locate_DevNodeW %ls %lu", id, flags);
    if (lstrcmpiW(id, L"ROOT\\NET\\0000") != 0) return NO_SUCH_DEVICE;
    *device = DEVICE;
    return SUCCESS;
}

DWORD WINAPI CM_Disable_DevNode(DWORD device, ULONG flags)
{
    char word = word_of_test(L"Z:\\mnt\\device");
    record_call("CM_Disable_DevNode %lu %lu", device, flags);
    record_journal("windows-restart");
    if (word == 'v') return REMOVE_VETOED;
    if (word == 's') Sleep(2000);
    return device == DEVICE ? set_present(0) : NO_SUCH_DEVICE;
}

DWORD WINAPI CM_Enable_DevNode(DWORD device, ULONG flags)
{
    record_call("CM_Enable_DevNode %lu %lu", device, flags);
    return device == DEVICE ? set_present(1) : NO_SUCH_DEVICE;
}
