/*
 * What Windows' UDP does and Wine's does not. It has segmentation offload (UDP_SEND_MSG_SIZE) and receive offload
 * (UDP_RECV_MAX_COALESCED_SIZE): whoever asks for them is told that they are there, and the question is written down.
 * And it hands over at once what has come already, without a completion, where Wine always has the caller wait for one.
 * msquic.dll's imports from ws2_32.dll come from here, and all others go on to it.
 */
#define WINSOCK_API_LINKAGE
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include "fake_log.h"

#define SEND_MSG_SIZE 2
#define RECV_MAX_COALESCED_SIZE 3

static int (WSAAPI *real_get)(SOCKET, int, int, char *, int *);
static int (WSAAPI *real_set)(SOCKET, int, int, const char *, int);
static int (WSAAPI *real_ioctl)(SOCKET, DWORD, void *, DWORD, void *, DWORD, DWORD *, OVERLAPPED *,
                                LPWSAOVERLAPPED_COMPLETION_ROUTINE);
static LPFN_WSARECVMSG real_receive;

/* As with FILE_SKIP_COMPLETION_PORT_ON_SUCCESS, which msquic sets: no completion follows. */
static int WSAAPI receive_message(SOCKET socket, WSAMSG *message, DWORD *received, OVERLAPPED *overlapped,
                                  LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    static LONG count;
    u_long next = 0;
    if (received == NULL || overlapped == NULL || ioctlsocket(socket, FIONREAD, &next) != 0 || next == 0) {
        return real_receive(socket, message, received, overlapped, routine);
    }
    if (real_receive(socket, message, received, NULL, NULL) != 0) return SOCKET_ERROR;
    *overlapped = (OVERLAPPED){.InternalHigh = *received, .hEvent = overlapped->hEvent};
    if (InterlockedIncrement(&count) == 1) record_call("WSARecvMsg at once");
    return 0;
}

int WSAAPI WSAIoctl(SOCKET socket, DWORD code, void *in, DWORD in_bytes, void *out, DWORD out_bytes, DWORD *returned,
                    OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    static const GUID receive_guid = WSAID_WSARECVMSG;
    int result = real_ioctl(socket, code, in, in_bytes, out, out_bytes, returned, overlapped, routine);
    if (result == 0 && code == SIO_GET_EXTENSION_FUNCTION_POINTER && in_bytes == sizeof receive_guid &&
        memcmp(in, &receive_guid, sizeof receive_guid) == 0) {
        real_receive = *(LPFN_WSARECVMSG *)out;
        *(LPFN_WSARECVMSG *)out = receive_message;
    }
    return result;
}

static BOOL is_offload(int level, int name)
{
    if (level != IPPROTO_UDP || (name != SEND_MSG_SIZE && name != RECV_MAX_COALESCED_SIZE)) return FALSE;
    record_call("offload %d", name);
    return TRUE;
}

int WSAAPI getsockopt(SOCKET socket, int level, int name, char *value, int *length)
{
    if (!is_offload(level, name)) return real_get(socket, level, name, value, length);
    *(DWORD *)value = 0;
    return 0;
}

int WSAAPI setsockopt(SOCKET socket, int level, int name, const char *value, int length)
{
    return is_offload(level, name) ? 0 : real_set(socket, level, name, value, length);
}

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *unused)
{
    HMODULE winsock;
    (void)self, (void)unused;
    if (reason != DLL_PROCESS_ATTACH) return TRUE;
    winsock = LoadLibraryA("ws2_32.dll");
    real_get = (void *)GetProcAddress(winsock, "getsockopt");
    real_set = (void *)GetProcAddress(winsock, "setsockopt");
    real_ioctl = (void *)GetProcAddress(winsock, "WSAIoctl");
    return real_get != NULL && real_set != NULL && real_ioctl != NULL;
}
