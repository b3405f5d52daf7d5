/*
 * A batch of packets of any lengths (our patch 0002) on its way to the kernel: each run that is handed over is one
 * that it can cut into the same packets again, and nothing is lost, repeated or moved.
 */
#include "fuzz.h"

#include <netinet/in.h>
#include <sys/socket.h>

static ssize_t take_run(int socket, const struct msghdr* message, int flags);
#define sendmsg take_run
#include "datapath_epoll.c"
#undef sendmsg

/* UDP_MAX_SEGMENTS, and the most that one UDP datagram can hold. */
#define SEGMENTS_MAX 64
#define RUN_BYTES_MAX 65507

static uint16_t expected[CXPLAT_MAX_IO_BATCH_SIZE];
static uint32_t expected_count, next_packet, next_byte;
static const uint8_t* batch;

static uint16_t segment_size(const struct msghdr* message) {
    for (struct cmsghdr* at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR((struct msghdr*)message, at)) {
        if (at->cmsg_level == SOL_UDP && at->cmsg_type == UDP_SEGMENT) return *(uint16_t*)CMSG_DATA(at);
    }
    return 0;
}

/* Cuts as the kernel does (udp(7), UDP_SEGMENT), and compares with the packets that were put in. */
static ssize_t take_run(int socket, const struct msghdr* message, int flags) {
    (void)socket; (void)flags;
    REQUIRE(message->msg_iovlen == 1);
    const uint8_t* at = message->msg_iov[0].iov_base;
    size_t left = message->msg_iov[0].iov_len;
    REQUIRE(at == batch + next_byte && left <= RUN_BYTES_MAX);
    uint16_t cut = segment_size(message);
    uint32_t segments = 0;
    while (left != 0) {
        size_t length = cut == 0 || left < cut ? left : cut;
        REQUIRE(next_packet < expected_count && length == expected[next_packet]);
        next_packet++;
        next_byte += (uint32_t)length;
        left -= length;
        segments++;
    }
    REQUIRE(segments >= 1 && segments <= SEGMENTS_MAX);
    return (ssize_t)message->msg_iov[0].iov_len;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
    INPUT input = { data, data + length };
    CXPLAT_SEND_DATA* send = calloc(1, sizeof(CXPLAT_SEND_DATA));
    CXPLAT_SOCKET_CONTEXT* context = calloc(1, sizeof(CXPLAT_SOCKET_CONTEXT));
    send->SocketContext = context;
    send->SegmentationSupported = TRUE;
    send->SegmentSize = (uint16_t)(1200 + take_byte(&input) * 2);
    send->LocalAddress.Ip.sa_family = take_byte(&input) & 1 ? AF_INET : AF_INET6;
    batch = send->ClientBuffer.Buffer = send->Buffer;
    expected_count = next_packet = next_byte = 0;
    uint16_t before = 0;
    while (!is_empty(&input)) {
        if (SendDataIsFull(send)) break;
        QUIC_BUFFER* buffer = SendDataAllocBuffer(send, send->SegmentSize);
        if (buffer == NULL) break;
        REQUIRE(buffer->Buffer >= send->Buffer && buffer->Buffer + send->SegmentSize <= send->Buffer + sizeof(send->Buffer));
        uint32_t kind = take_byte(&input);
        /* Many of one length, as at play, and any others. */
        uint16_t size = kind < 100 && before != 0 ? before
            : kind < 140 ? send->SegmentSize : (uint16_t)(1 + take_word(&input) % send->SegmentSize);
        buffer->Length = before = size;
        memset(buffer->Buffer, (int)kind, size);
        expected[expected_count++] = size;
    }
    if (expected_count != 0) {
        CxPlatSendDataFinalizeSendBuffer(send);
        REQUIRE(send->BufferCount == expected_count);
        REQUIRE(CxPlatSendDataSendSegmented(send));
    }
    REQUIRE(next_packet == expected_count);
    free(context);
    free(send);
    return 0;
}
