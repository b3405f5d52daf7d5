/*
 * Where the fakes write down what they are asked for, one line for each call: what changes something in "calls.log",
 * and that with what is only read in "all_calls.log".
 */
#pragma once
#include <windows.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

#define JOURNAL L"C:\\Program Files\\lanparty-client\\changes-{11111111-2222-3333-4444-555555555555}.json"

/* Whether a change that is being made, or taken back, stands in the client's journal at this moment. */
static inline void record_journal(const char *kind)
{
    static char text[65536];
    DWORD length = 0;
    HANDLE file = CreateFileW(JOURNAL, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, 0, NULL);
    if (file != INVALID_HANDLE_VALUE) {
        ReadFile(file, text, sizeof text - 1, &length, NULL);
        CloseHandle(file);
    }
    text[length] = 0;
    record_read("written down: %s %s", kind, strstr(text, kind) == NULL ? "no" : "yes");
}
