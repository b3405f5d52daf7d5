/*
 * The least that carries frames between an interface and user space, as a peer and as a load:
 *
 *   packet_loop receive INTERFACE MILLISECONDS      recvmmsg, 64 frames a call, and nothing done with them
 *   packet_loop send INTERFACE MILLISECONDS HEX     sendmmsg, 64 copies of one frame a call
 *   packet_loop send INTERFACE MILLISECONDS HEX SUPER_BYTES SEGMENT_BYTES
 *                                                   the same with super-frames: HEX is the headers of TCP over
 *                                                   IPv4, 54 bytes, each segment's payload SEGMENT_BYTES long
 *
 * Prints "FRAMES CPU_SECONDS"; receiving begins to count with the first frame.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, FRAME_BYTES_MAX = 66000, ETH_P_ALL_ = 0x0003, OUTGOING_IGNORED = 23 };
enum { VNET_HEADER = 15, VNET_BYTES = 10, TCP_HEADERS = 54, TCP_START = 34, TCP_CHECKSUM = 16 };

static unsigned char frames[BATCH][FRAME_BYTES_MAX];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

static double now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int open_socket(const char *name, int receives) {
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    int one = 1, bytes = 16 << 20;
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = receives ? htons(ETH_P_ALL_) : 0,
        .sll_ifindex = (int)if_nametoindex(name),
    };
    setsockopt(fd, SOL_PACKET, OUTGOING_IGNORED, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        perror(name);
        exit(1);
    }
    return fd;
}

static void receive_frames(int fd, double duration_ms, long *count, double *cpu) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    double end_ms = 0, cpu_before = 0;
    for (;;) {
        if (poll(&wait, 1, 1000) < 0) exit(1);
        int got = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
        double time_ms = now_ms();
        if (end_ms == 0 && got > 0) {
            end_ms = time_ms + duration_ms;
            cpu_before = cpu_seconds();
        }
        if (got > 0) *count += got;
        if (end_ms != 0 && time_ms >= end_ms) break;
    }
    *cpu = cpu_seconds() - cpu_before;
}

static void send_frames(int fd, double duration_ms, long *count, double *cpu) {
    double end_ms = now_ms() + duration_ms;
    double cpu_before = cpu_seconds();
    while (now_ms() < end_ms) {
        int sent = sendmmsg(fd, messages, BATCH, 0);
        if (sent > 0) *count += sent;
    }
    *cpu = cpu_seconds() - cpu_before;
}

/* struct virtio_net_hdr of a super-frame: TCP over IPv4 (1), its checksum unfinished (1). */
static void write_vnet_header(unsigned char *to, int segment_bytes) {
    uint16_t fields[] = {TCP_HEADERS, (uint16_t)segment_bytes, TCP_START, TCP_CHECKSUM};
    to[0] = to[1] = 1;
    memcpy(to + 2, fields, sizeof fields);
}

int main(int count, char **words) {
    int sends = (count == 5 || count == 7) && strcmp(words[1], "send") == 0;
    int receives = count == 4 && strcmp(words[1], "receive") == 0;
    if (!sends && !receives) return 2;
    int super_bytes = count == 7 ? atoi(words[5]) : 0, one = 1;
    size_t head = super_bytes ? VNET_BYTES : 0, given = sends ? strlen(words[4]) / 2 : 0;
    size_t length = receives ? FRAME_BYTES_MAX : head + (super_bytes ? (size_t)super_bytes : given);
    if (length > FRAME_BYTES_MAX || head + given > length) return 2;
    for (int index = 0; index < BATCH; index++) {
        if (super_bytes) write_vnet_header(frames[index], atoi(words[6]));
        for (size_t at = 0; at < given; at++) {
            unsigned byte;
            if (sscanf(words[4] + 2 * at, "%2x", &byte) != 1) return 2;
            frames[index][head + at] = (unsigned char)byte;
        }
        vectors[index] = (struct iovec){frames[index], length};
        messages[index].msg_hdr.msg_iov = &vectors[index];
        messages[index].msg_hdr.msg_iovlen = 1;
    }
    int fd = open_socket(words[2], receives);
    if (super_bytes && setsockopt(fd, SOL_PACKET, VNET_HEADER, &one, sizeof one) < 0) return 1;
    long frames_count = 0;
    double cpu = 0;
    (sends ? send_frames : receive_frames)(fd, atof(words[3]), &frames_count, &cpu);
    printf("%ld %.3f\n", frames_count, cpu);
    return 0;
}
