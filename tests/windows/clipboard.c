/*
 * Puts its command line's first argument on the clipboard, as a program does from which something is copied, and stays:
 * Wine's clipboard is gone with the last program that has a window.
 */
#include <stdio.h>
#include <windows.h>
#include <wchar.h>

int wmain(int count, wchar_t **words)
{
    if (count != 2) return 2;
    SIZE_T bytes = (wcslen(words[1]) + 1) * sizeof(wchar_t);
    HWND owner = CreateWindowW(L"STATIC", L"", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    HGLOBAL memory = GlobalAlloc(GMEM_MOVEABLE, bytes);
    if (owner == NULL || memory == NULL) return 3;
    void *text = GlobalLock(memory);
    if (text == NULL) return 4;
    CopyMemory(text, words[1], bytes);
    GlobalUnlock(memory);
    if (!OpenClipboard(owner)) return 5;
    EmptyClipboard();
    BOOL isSet = SetClipboardData(CF_UNICODETEXT, memory) != NULL;
    CloseClipboard();
    if (!isSet) return 6;
    puts("copied");
    fflush(stdout);
    MSG message;
    while (GetMessageW(&message, NULL, 0, 0) > 0) DispatchMessageW(&message);
    return 0;
}
