/*
 * The rights of a Windows PC, in the place of Wine's shell: a process is an administrator's unless a file says
 * otherwise ("user": it is not, and the player answers Yes; "no": and the player answers No). What is started by
 * "runas" is started as an administrator. All else is forwarded to a renamed copy of Wine's own DLL.
 */
#define _SHELL32_ /* this is it: nothing is imported from there */
#include <windows.h>
#include <shellapi.h>
#include "fake_log.h"

static char answer(void)
{
    return word_of_test(L"Z:\\mnt\\rights");
}

BOOL WINAPI IsUserAnAdmin(void)
{
    return answer() == ' ' || GetEnvironmentVariableW(L"FAKE_ADMINISTRATOR", NULL, 0) > 0;
}

BOOL WINAPI ShellExecuteExW(SHELLEXECUTEINFOW *info)
{
    static WCHAR line[8192];
    STARTUPINFOW startup;
    PROCESS_INFORMATION process;
    memset(&startup, 0, sizeof startup);
    startup.cb = sizeof startup;
    record_call("ShellExecuteExW size=%lu mask=0x%lx show=%d", info->cbSize, info->fMask, info->nShow);
    record_call("ShellExecuteExW %ls %ls in %ls", info->lpVerb, info->lpFile, info->lpDirectory);
    record_call("ShellExecuteExW with %ls", info->lpParameters);
    if (answer() == 'n') {
        info->hInstApp = (HINSTANCE)(ULONG_PTR)SE_ERR_ACCESSDENIED;
        SetLastError(ERROR_CANCELLED);
        return FALSE;
    }
    SetEnvironmentVariableW(L"FAKE_ADMINISTRATOR", L"1");
    wsprintfW(line, L"\"%ls\" ", info->lpFile);
    lstrcatW(line, info->lpParameters);
    /* Windows starts it elsewhere, and without this one's environment. */
    SetEnvironmentVariableW(L"LANPARTY_ROOM_KEY", NULL);
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, L"C:\\windows\\system32", &startup, &process)) {
        return FALSE;
    }
    CloseHandle(process.hThread);
    info->hProcess = process.hProcess;
    info->hInstApp = (HINSTANCE)(ULONG_PTR)42;
    return TRUE;
}
