/*
 * By how many calls what waits at a socket is received, by msquic's own code (patch 0056).
 *
 * usage: receive_batches COALESCED,WAITING
 */
#include "platform_internal.h"

#include <stdio.h>
#include <stdlib.h>

void CxPlatSocketReceive(CXPLAT_SOCKET_CONTEXT* SocketContext);
void RecvDataReturn(CXPLAT_RECV_DATA* RecvDataChain);

void* CxPlatAlloc(size_t ByteCount, uint32_t Tag) { (void)Tag; return malloc(ByteCount); }
void CxPlatFree(void* Memory, uint32_t Tag) { (void)Tag; free(Memory); }
void CxPlatLogAssert(const char* File, int Line, const char* Expression) {
    fprintf(stderr, "%s:%d: %s\n", File, Line, Expression);
    abort();
}

/* All addresses here are of IPv6, and stay what they are. */
void CxPlatConvertFromMappedV6(const QUIC_ADDR* InAddr, QUIC_ADDR* OutAddr) { *OutAddr = *InAddr; }

/* Where a block's packets and its bytes are, generously. */
enum { STRIDE_BYTES = 1024, OFFSET_BYTES = 128 * 1024, BUFFER_BYTES = 64 * 1024 };

static int waiting;
static int calls;
static int received;

static void add_control(struct msghdr* message, struct cmsghdr** at, int type, const void* value, size_t bytes) {
    *at = *at == NULL ? CMSG_FIRSTHDR(message) : (struct cmsghdr*)((char*)*at + CMSG_ALIGN((*at)->cmsg_len));
    (*at)->cmsg_level = IPPROTO_IPV6;
    (*at)->cmsg_type = type;
    (*at)->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(*at), value, bytes);
}

/* A system that has so many datagrams, and says so. */
int recvmmsg(int fd, struct mmsghdr* messages, unsigned int count, int flags, struct timespec* timeout) {
    (void)fd; (void)flags; (void)timeout;
    calls++;
    if (waiting == 0) {
        errno = EAGAIN;
        return -1;
    }
    int taken = 0;
    for (; taken < (int)count && waiting > 0; taken++, waiting--) {
        struct msghdr* message = &messages[taken].msg_hdr;
        struct sockaddr_in6 sender = { .sin6_family = AF_INET6, .sin6_port = htons(4433), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        struct in6_pktinfo here = { .ipi6_addr = IN6ADDR_LOOPBACK_INIT };
        const int service = 0, hops = 64;
        memcpy(message->msg_name, &sender, sizeof(sender));
        memset(message->msg_iov->iov_base, 'x', 100);
        messages[taken].msg_len = 100;
        struct cmsghdr* at = NULL;
        add_control(message, &at, IPV6_PKTINFO, &here, sizeof(here));
        add_control(message, &at, IPV6_TCLASS, &service, sizeof(service));
        add_control(message, &at, IPV6_HOPLIMIT, &hops, sizeof(hops));
        message->msg_controllen = (size_t)((char*)at - (char*)message->msg_control) + CMSG_SPACE(sizeof(hops));
    }
    return taken;
}

static void take(CXPLAT_SOCKET* socket, void* context, CXPLAT_RECV_DATA* chain) {
    (void)socket; (void)context;
    for (CXPLAT_RECV_DATA* data = chain; data != NULL; data = data->Next) received += data->BufferLength == 100;
    RecvDataReturn(chain);
}

int main(int argc, char** argv) {
    int coalesced;
    if (argc != 2 || sscanf(argv[1], "%d,%d", &coalesced, &waiting) != 2) return 2;
    CXPLAT_DATAPATH* datapath = calloc(1, sizeof(CXPLAT_DATAPATH) + sizeof(CXPLAT_DATAPATH_PARTITION));
    CXPLAT_DATAPATH_PARTITION* partition = calloc(1, sizeof(CXPLAT_DATAPATH_PARTITION));
    CXPLAT_SOCKET* socket = calloc(1, sizeof(CXPLAT_SOCKET));
    CXPLAT_SOCKET_CONTEXT* context = calloc(1, sizeof(CXPLAT_SOCKET_CONTEXT));
    if (coalesced) datapath->Features |= CXPLAT_DATAPATH_FEATURE_RECV_COALESCING;
    datapath->RecvBlockStride = STRIDE_BYTES;
    datapath->RecvBlockBufferOffset = OFFSET_BYTES;
    datapath->UdpHandlers.Receive = (CXPLAT_DATAPATH_RECEIVE_CALLBACK_HANDLER)take;
    partition->Datapath = datapath;
    CxPlatPoolInitialize(FALSE, OFFSET_BYTES + BUFFER_BYTES, 0, &partition->RecvBlockPool);
    socket->Type = CXPLAT_SOCKET_UDP;
    socket->Datapath = datapath;
    context->Binding = socket;
    context->DatapathPartition = partition;
    CxPlatSocketReceive(context);
    printf("%d received by %d calls\n", received, calls);
    return 0;
}
