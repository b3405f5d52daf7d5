/*
 * Where the fakes write down what they are asked for, one line for each call: what changes something in "calls.log",
 * and that with what is only read in "all_calls.log".
 */
#pragma once
#include <windows.h>
#include <stdarg.h>
#include <stdio.h>

static inline void append_line(const WCHAR *path, const char *line, DWORD length)
{
    DWORD written;
    HANDLE file = CreateFileW(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return;
    WriteFile(file, line, length, &written, NULL);
    CloseHandle(file);
}

static inline void record_line(BOOL reads, const char *format, va_list arguments)
{
    char line[256];
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    if (length < 0) return;
    if (length > (int)sizeof line - 2) length = sizeof line - 2;
    line[length] = '\n';
    if (!reads) append_line(L"Z:\\mnt\\calls.log", line, (DWORD)length + 1);
    append_line(L"Z:\\mnt\\all_calls.log", line, (DWORD)length + 1);
}

static inline void record_call(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record_line(FALSE, format, arguments);
    va_end(arguments);
}

static inline void record_read(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record_line(TRUE, format, arguments);
    va_end(arguments);
}

/* The first letter of what a test has written down for a fake; a space where there is nothing. */
static inline char word_of_test(const WCHAR *path)
{
    char first = ' ';
    DWORD bytes;
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return first;
    ReadFile(file, &first, 1, &bytes, NULL);
    CloseHandle(file);
    return first;
}
