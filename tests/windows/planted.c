/* A DLL that somebody has put beside the program: it writes down that it was loaded, and as what. */
#include "fake_log.h"

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, LPVOID unused)
{
    WCHAR path[256];
    (void)unused;
    if (reason != DLL_PROCESS_ATTACH) return TRUE;
    GetModuleFileNameW(self, path, 256);
    record_call("planted %ls", path);
    return TRUE;
}
