/*
 * What Windows' UDP has and Wine's has not: segmentation offload (USO) and receive offload (URO). A program hands over a
 * run of datagrams of one length, of which the last may be shorter, with that length as UDP_SEND_MSG_SIZE, and Windows
 * cuts it; and it is handed such runs, with their length as UDP_COALESCED_INFO, where it has asked for that. msquic.dll's
 * imports from ws2_32.dll come from here, and all others go on to it.
 */
#define WINSOCK_API_LINKAGE
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include "fake_log.h"

#define SEND_MSG_SIZE 2
#define RECV_MAX_COALESCED_SIZE 3
#define COALESCED_INFO 3
#define SEGMENTS_MAX 512
#define JOINED_MAX 64

static int (WSAAPI *real_get)(SOCKET, int, int, char *, int *);
static int (WSAAPI *real_set)(SOCKET, int, int, const char *, int);
static int (WSAAPI *real_ioctl)(SOCKET, DWORD, void *, DWORD, void *, DWORD, DWORD *, OVERLAPPED *,
                                LPWSAOVERLAPPED_COMPLETION_ROUTINE);
static LPFN_WSASENDMSG real_send;
static LPFN_WSARECVMSG real_receive;
static BOOL joins;
/* What there was of one datagram, of several of one length, and of several with a shorter last one. */
static LONG seen[2][3];
static const char *CALLS[2] = {"WSASendMsg", "WSARecvMsg"};
static const char *KINDS[3] = {"one", "several", "several, the last one shorter"};

/* What is written down is whether there was any. */
static void count(int call, int datagrams, BOOL is_last_shorter)
{
    int kind = datagrams == 1 ? 0 : is_last_shorter ? 2 : 1;
    if (InterlockedIncrement(&seen[call][kind]) == 1) record_call("%s of %s", CALLS[call], KINDS[kind]);
}

/* The length of the datagrams; it is msquic's last word, and is taken off. 0: there is none. */
static DWORD take_segment_size(WSAMSG *message)
{
    DWORD size;
    WSACMSGHDR *found = NULL;
    if (message->Control.buf == NULL) return 0;
    for (WSACMSGHDR *one = WSA_CMSG_FIRSTHDR(message); one != NULL; one = WSA_CMSG_NXTHDR(message, one)) {
        if (one->cmsg_level == IPPROTO_UDP && one->cmsg_type == SEND_MSG_SIZE) found = one;
    }
    if (found == NULL || found->cmsg_len != WSA_CMSG_LEN(sizeof(DWORD))) return 0;
    size = *(DWORD *)WSA_CMSG_DATA(found);
    message->Control.len = (ULONG)((char *)found - message->Control.buf);
    if (message->Control.len == 0) message->Control.buf = NULL;
    return size;
}

/* All datagrams but the last go at once, and the last one as the caller wants it. */
static int WSAAPI send_message(SOCKET socket, WSAMSG *given, DWORD flags, DWORD *sent, OVERLAPPED *overlapped,
                               LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    WSAMSG message = *given;
    DWORD size = take_segment_size(&message), bytes;
    WSABUF rest, segment;
    int segments = 1;
    if (size == 0) return real_send(socket, given, flags, sent, overlapped, routine);
    /* As Windows does. */
    if (given->dwBufferCount != 1 || given->lpBuffers[0].len > 65535) {
        WSASetLastError(WSAEINVAL);
        return SOCKET_ERROR;
    }
    rest = given->lpBuffers[0];
    message.lpBuffers = &segment;
    for (; rest.len > size && segments < SEGMENTS_MAX; segments++) {
        segment = (WSABUF){size, rest.buf};
        if (real_send(socket, &message, flags, &bytes, NULL, NULL) != 0) return SOCKET_ERROR;
        rest = (WSABUF){rest.len - size, rest.buf + size};
    }
    segment = rest;
    count(0, segments, rest.len < size);
    return real_send(socket, &message, flags, sent, overlapped, routine);
}

/* The next datagram, if it has come and goes behind those that are there; 0: it does not. */
static DWORD receive_more(SOCKET socket, DWORD bytes_max, char *to)
{
    char address[64], control[256];
    u_long next = 0;
    DWORD bytes = 0;
    WSABUF buffer = {bytes_max, to};
    WSAMSG message = {(SOCKADDR *)address, sizeof address, &buffer, 1, {sizeof control, control}, 0};
    if (ioctlsocket(socket, FIONREAD, &next) != 0 || next == 0 || next > bytes_max) return 0;
    return real_receive(socket, &message, &bytes, NULL, NULL) == 0 ? bytes : 0;
}

/* Wine tells more than Windows does: what comes last there makes room. */
static void add_length(WSAMSG *message, DWORD bytes, DWORD control_max)
{
    WSACMSGHDR *added, *last = NULL;
    if (message->Control.len + WSA_CMSG_SPACE(sizeof(DWORD)) > control_max) {
        for (WSACMSGHDR *one = WSA_CMSG_FIRSTHDR(message); one != NULL; one = WSA_CMSG_NXTHDR(message, one)) last = one;
        message->Control.len = (ULONG)((char *)last - message->Control.buf);
    }
    added = (WSACMSGHDR *)(message->Control.buf + message->Control.len);
    added->cmsg_len = WSA_CMSG_LEN(sizeof(DWORD));
    added->cmsg_level = IPPROTO_UDP;
    added->cmsg_type = COALESCED_INFO;
    *(DWORD *)WSA_CMSG_DATA(added) = bytes;
    message->Control.len += WSA_CMSG_SPACE(sizeof(DWORD));
}

/*
 * What has come already is received at once, as Windows does: Wine always has the caller wait for a completion. What
 * comes later is not joined. Whoever sends is always the same here.
 */
static int WSAAPI receive_message(SOCKET socket, WSAMSG *message, DWORD *received, OVERLAPPED *overlapped,
                                  LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    DWORD control_max = message->Control.len, first, total, bytes, room = message->lpBuffers[0].len;
    u_long next = 0;
    int datagrams = 1;
    if (!joins || received == NULL || ioctlsocket(socket, FIONREAD, &next) != 0 || next == 0) {
        return real_receive(socket, message, received, overlapped, routine);
    }
    if (real_receive(socket, message, received, NULL, NULL) != 0) return SOCKET_ERROR;
    first = total = bytes = *received;
    while (bytes == first && datagrams < JOINED_MAX) {
        bytes = receive_more(socket, min(first, room - total), message->lpBuffers[0].buf + total);
        if (bytes == 0) break;
        total += bytes;
        datagrams++;
    }
    if (datagrams > 1) add_length(message, first, control_max);
    count(1, datagrams, total != datagrams * first);
    *received = total;
    if (overlapped != NULL) *overlapped = (OVERLAPPED){.InternalHigh = total, .hEvent = overlapped->hEvent};
    return 0;
}

int WSAAPI WSAIoctl(SOCKET socket, DWORD code, void *in, DWORD in_bytes, void *out, DWORD out_bytes, DWORD *returned,
                    OVERLAPPED *overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    static const GUID send_guid = WSAID_WSASENDMSG, receive_guid = WSAID_WSARECVMSG;
    int result = real_ioctl(socket, code, in, in_bytes, out, out_bytes, returned, overlapped, routine);
    if (result != 0 || code != SIO_GET_EXTENSION_FUNCTION_POINTER || in_bytes != sizeof send_guid) return result;
    if (memcmp(in, &send_guid, sizeof send_guid) == 0) {
        real_send = *(LPFN_WSASENDMSG *)out;
        *(LPFN_WSASENDMSG *)out = send_message;
    }
    if (memcmp(in, &receive_guid, sizeof receive_guid) == 0) {
        real_receive = *(LPFN_WSARECVMSG *)out;
        *(LPFN_WSARECVMSG *)out = receive_message;
    }
    return result;
}

static BOOL is_offload(int level, int name)
{
    return level == IPPROTO_UDP && (name == SEND_MSG_SIZE || name == RECV_MAX_COALESCED_SIZE);
}

int WSAAPI getsockopt(SOCKET socket, int level, int name, char *value, int *length)
{
    if (!is_offload(level, name)) return real_get(socket, level, name, value, length);
    *(DWORD *)value = 0;
    return 0;
}

int WSAAPI setsockopt(SOCKET socket, int level, int name, const char *value, int length)
{
    if (!is_offload(level, name)) return real_set(socket, level, name, value, length);
    if (name == RECV_MAX_COALESCED_SIZE) joins = TRUE;
    return 0;
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
