/*
 * The part of cfgmgr32 that Wine lacks: restarting the fake adapter's device, and whether it is disabled. The rest is forwarded to a renamed
 * copy of Wine's own DLL. A file of the test's says what the device is like: "veto" (it may not be stopped), "slow"
 * (that takes two seconds).
 */
#include "fake_log.h"
#include <winioctl.h>

#define WIRE_SET_PRESENT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x101, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define WIRE_IS_PRESENT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x102, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define SUCCESS 0u
#define NO_SUCH_DEVICE 13u
#define FAILURE 19u
#define REMOVE_VETOED 23u
#define DEVICE 7u
#define STARTED 0x8u
#define HAS_PROBLEM 0x400u
#define PROBLEM_DISABLED 0x16u

/* Asks the fake driver. */
static DWORD control(DWORD code, DWORD *in, DWORD *out)
{
    DWORD bytes;
    HANDLE wire = CreateFileW(L"\\\\.\\Global\\lanparty-wire", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                              0, NULL);
    if (wire == INVALID_HANDLE_VALUE) return FAILURE;
    BOOL done = DeviceIoControl(wire, code, in, in == NULL ? 0 : sizeof *in, out, out == NULL ? 0 : sizeof *out, &bytes,
                                NULL);
    CloseHandle(wire);
    return done ? SUCCESS : FAILURE;
}

static DWORD set_present(DWORD present)
{
    return control(WIRE_SET_PRESENT, &present, NULL);
}

DWORD WINAPI CM_Locate_DevNodeW(DWORD *device, const WCHAR *id, ULONG flags)
{
    record_call("CM_Locate_DevNodeW %ls %lu", id, flags);
    if (lstrcmpiW(id, L"ROOT\\NET\\0000") != 0) return NO_SUCH_DEVICE;
    *device = DEVICE;
    return SUCCESS;
}

DWORD WINAPI CM_Get_DevNode_Status(ULONG *status, ULONG *problem, DWORD device, ULONG flags)
{
    DWORD present = 0, code = control(WIRE_IS_PRESENT, NULL, &present);
    record_read("CM_Get_DevNode_Status %lu %lu", device, flags);
    if (device != DEVICE) return NO_SUCH_DEVICE;
    *status = present ? STARTED : HAS_PROBLEM;
    *problem = present ? 0 : PROBLEM_DISABLED;
    return code;
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
