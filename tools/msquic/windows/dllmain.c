/* msquic.dll's entry: msquic's own goes with ETW, which is left out. */
#include <windows.h>

void MsQuicLibraryLoad(void);
void MsQuicLibraryUnload(void);

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID processEnds)
{
    (void)instance;
    if (reason == DLL_PROCESS_ATTACH) MsQuicLibraryLoad();
    /* When the process ends its threads are gone already, and nothing may be waited for. */
    else if (reason == DLL_PROCESS_DETACH && processEnds == NULL) MsQuicLibraryUnload();
    return TRUE;
}
