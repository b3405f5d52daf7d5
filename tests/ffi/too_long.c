/*
 * What is sent of a batch when some of its packets are too long for the interface, by msquic's own code; the kernel is
 * played.
 *
 * usage: too_long messages|segmented[-icmp][-old]
 */
#include "datapath_epoll.c"

#include <stdio.h>

/* What the interface carries, and whether an ICMP message about an earlier packet waits to be told. */
static size_t carried = 1372;
static int is_icmp_waiting;
static int long_error = EMSGSIZE;

/* Says the lengths of the packets that go out. */
static int take(const struct msghdr* message) {
    if (is_icmp_waiting) {
        is_icmp_waiting = 0;
        errno = EMSGSIZE;
        return -1;
    }
    size_t segment = message->msg_iov->iov_len;
    for (struct cmsghdr* control = CMSG_FIRSTHDR(message); control != NULL;
         control = CMSG_NXTHDR((struct msghdr*)message, control)) {
        if (control->cmsg_type == UDP_SEGMENT) segment = *(uint16_t*)CMSG_DATA(control);
    }
    if (segment > carried) {
        errno = segment < message->msg_iov->iov_len ? long_error : EMSGSIZE;
        return -1;
    }
    for (size_t left = message->msg_iov->iov_len; left > 0; left -= left < segment ? left : segment) {
        printf("%zu ", left < segment ? left : segment);
    }
    return (int)message->msg_iov->iov_len;
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
    (void)fd; (void)flags;
    return take(message);
}

int sendmmsg(int fd, struct mmsghdr* messages, unsigned int count, int flags) {
    (void)fd; (void)flags;
    unsigned int sent = 0;
    while (sent < count && take(&messages[sent].msg_hdr) >= 0) sent++;
    return sent == 0 ? -1 : (int)sent;
}

static CXPLAT_SOCKET_CONTEXT context;
static CXPLAT_SEND_DATA data;

int main(int argc, char** argv) {
    static const uint16_t lengths[] = {100, 1400, 1400, 1400, 200, 1300, 1300, 60};
    const int is_segmented = argc > 1 && strstr(argv[1], "segmented") != NULL;
    is_icmp_waiting = argc > 1 && strstr(argv[1], "icmp") != NULL;
    if (argc > 1 && strstr(argv[1], "old") != NULL) long_error = EINVAL;
    data.SocketContext = &context;
    data.SegmentationSupported = is_segmented;
    data.OnConnectedSocket = TRUE;
    data.BufferCount = sizeof(lengths) / sizeof(lengths[0]);
    size_t offset = 0;
    for (int i = 0; i < data.BufferCount; i++) {
        if (is_segmented) {
            data.Lengths[i] = lengths[i];
        } else {
            data.Iovs[i].iov_base = data.Buffer + offset;
            data.Iovs[i].iov_len = lengths[i];
        }
        offset += lengths[i];
    }
    const BOOLEAN is_done = is_segmented ? CxPlatSendDataSendSegmented(&data) : CxPlatSendDataSendMessages(&data);
    printf("%s\n", is_done ? "done" : "given up");
    return 0;
}
