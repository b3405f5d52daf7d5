/* Where the fakes write down what they are asked for, one line for each call. */
#pragma once
#include <windows.h>
#include <stdarg.h>
#include <stdio.h>

static void record_call(const char *format, ...)
{
    char line[256];
    DWORD written;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    if (length > (int)sizeof line - 2) length = sizeof line - 2;
    line[length] = '\n';
    HANDLE file = CreateFileW(L"Z:\\mnt\\calls.log", FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              OPEN_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return;
    WriteFile(file, line, (DWORD)length + 1, &written, NULL);
    CloseHandle(file);
}
