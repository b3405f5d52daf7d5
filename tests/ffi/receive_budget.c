/*
 * How much of what waits at a socket one event brings in, by msquic's own code (patch 0060).
 *
 * usage: receive_budget COALESCED,BYTES,WAITING: so many messages wait, of so many bytes
 */
#include "platform_internal.h"

#include <stdio.h>
#include <stdlib.h>

void CxPlatSocketReceive(CXPLAT_SOCKET_CONTEXT* SocketContext);
void RecvDataReturn(CXPLAT_RECV_DATA* RecvDataChain);

void* CxPlatAlloc(size_t count, uint32_t tag) { (void)tag; return malloc(count); }
void CxPlatFree(void* memory, uint32_t tag) { (void)tag; free(memory); }
void CxPlatLogAssert(const char* file, int line, const char* text) { printf("%s:%d %s\n", file, line, text); abort(); }
void CxPlatConvertFromMappedV6(const QUIC_ADDR* from, QUIC_ADDR* to) { *to = *from; }

enum { STRIDE = 1024, BUFFER_OFFSET = 128 * 1024, BUFFER = 64 * 1024, EVENTS_MAX = 64 };

static int message_bytes, waiting, received;

/* What the system says of each message: the address it came to, its service and its hops. */
static void describe(struct msghdr* message) {
    const struct { int type; int bytes; } parts[] = {
        {IPV6_PKTINFO, sizeof(struct in6_pktinfo)}, {IPV6_TCLASS, sizeof(int)}, {IPV6_HOPLIMIT, sizeof(int)}};
    char* at = message->msg_control;
    for (int i = 0; i < 3; i++) {
        struct cmsghdr* part = (struct cmsghdr*)at;
        memset(part, 0, CMSG_SPACE(parts[i].bytes));
        part->cmsg_level = IPPROTO_IPV6;
        part->cmsg_type = parts[i].type;
        part->cmsg_len = CMSG_LEN(parts[i].bytes);
        at += CMSG_SPACE(parts[i].bytes);
    }
    message->msg_controllen = (size_t)(at - (char*)message->msg_control);
}

int recvmmsg(int fd, struct mmsghdr* messages, unsigned int count, int flags, struct timespec* timeout) {
    (void)fd; (void)flags; (void)timeout;
    if (waiting == 0) {
        errno = EAGAIN;
        return -1;
    }
    int taken = 0;
    for (; taken < (int)count && waiting > 0; taken++, waiting--) {
        struct msghdr* message = &messages[taken].msg_hdr;
        ((struct sockaddr_in6*)message->msg_name)->sin6_family = AF_INET6;
        messages[taken].msg_len = (unsigned int)message_bytes;
        describe(message);
    }
    return taken;
}

static void take(CXPLAT_SOCKET* socket, void* context, CXPLAT_RECV_DATA* chain) {
    (void)socket; (void)context;
    for (CXPLAT_RECV_DATA* data = chain; data != NULL; data = data->Next) received++;
    RecvDataReturn(chain);
}

int main(int argc, char** argv) {
    int coalesced;
    if (argc != 2 || sscanf(argv[1], "%d,%d,%d", &coalesced, &message_bytes, &waiting) != 3) return 2;
    CXPLAT_DATAPATH* datapath = calloc(1, sizeof(CXPLAT_DATAPATH) + sizeof(CXPLAT_DATAPATH_PARTITION));
    CXPLAT_DATAPATH_PARTITION* partition = calloc(1, sizeof(CXPLAT_DATAPATH_PARTITION));
    CXPLAT_SOCKET* socket = calloc(1, sizeof(CXPLAT_SOCKET));
    CXPLAT_SOCKET_CONTEXT* context = calloc(1, sizeof(CXPLAT_SOCKET_CONTEXT));
    if (coalesced) datapath->Features |= CXPLAT_DATAPATH_FEATURE_RECV_COALESCING;
    datapath->RecvBlockStride = STRIDE;
    datapath->RecvBlockBufferOffset = BUFFER_OFFSET;
    datapath->UdpHandlers.Receive = (CXPLAT_DATAPATH_RECEIVE_CALLBACK_HANDLER)take;
    partition->Datapath = datapath;
    CxPlatPoolInitialize(FALSE, BUFFER_OFFSET + BUFFER, 0, &partition->RecvBlockPool);
    socket->Type = CXPLAT_SOCKET_UDP;
    socket->Datapath = datapath;
    context->Binding = socket;
    context->DatapathPartition = partition;
    for (int events = 0; waiting > 0 && events < EVENTS_MAX; events++) {
        received = 0;
        CxPlatSocketReceive(context);
        printf(events == 0 ? "%d" : " %d", received);
    }
    printf("\n");
    return 0;
}
