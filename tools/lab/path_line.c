/*
 * A path between two Ethernet interfaces: delay, jitter that reorders, loss, and a bottleneck with a bounded queue, as
 * netem has them, for kernels without netem. What comes in at one interface leaves at the other.
 *
 *   path_line LEFT RIGHT [SEED]
 *
 * Standard input, a line each: `set WAY DELAY_US JITTER_US LOSS_PPM RATE_KBIT QUEUE_BYTES` for the way `left` (what
 * comes in there), `right` or `both`; rate 0 is none. Each is answered by `ok`. `figures` is answered by one line of
 * JSON with what went each way since the last time, and how long the bottleneck's queue was. It ends with its input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAMES 65536
#define FRAME_BYTES 1600
#define BATCH 64
#define SOCKET_BYTES (16 << 20)

/* A frame on its way: when it arrives, and which one came first. */
struct arrival {
    uint64_t due_ns;
    uint64_t number;
    uint32_t frame;
};

/* One way. */
struct way {
    int in, out;
    uint64_t delay_ns, jitter_ns, rate_kbit, queue_bytes;
    uint32_t loss_ppm;
    /* When the bottleneck has sent what it holds. */
    uint64_t free_ns;
    uint64_t frames, bytes, lost, full, queued_us_sum, queued_us_max;
};

static uint8_t frames[FRAMES][FRAME_BYTES];
static uint16_t lengths[FRAMES];
static uint8_t ways_of[FRAMES];
static uint32_t free_frames[FRAMES];
static int free_count;
static struct arrival heap[FRAMES];
static int heap_count;
static uint64_t numbers;
static struct way ways[2];
static uint64_t state;

static void fail(const char* what) {
    perror(what);
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* xorshift64* */
static uint32_t draw(uint32_t below) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(((state * 2685821657736338717u) >> 32) * below >> 32);
}

static int is_before(const struct arrival* a, const struct arrival* b) {
    return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->number < b->number);
}

static void push(struct arrival arrival) {
    int at = heap_count++;
    while (at > 0 && is_before(&arrival, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = arrival;
}

static struct arrival pop(void) {
    struct arrival first = heap[0], last = heap[--heap_count];
    int at = 0;
    for (;;) {
        int child = 2 * at + 1;
        if (child >= heap_count) break;
        if (child + 1 < heap_count && is_before(&heap[child + 1], &heap[child])) child++;
        if (!is_before(&heap[child], &last)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return first;
}

static int open_interface(const char* name) {
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    if (fd < 0) fail("socket");
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
    if (bind(fd, (struct sockaddr*)&address, sizeof address) < 0) fail(name);
    int one = 1, size = SOCKET_BYTES;
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) < 0) fail("PACKET_IGNORE_OUTGOING");
    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    return fd;
}

/* A frame has come in: lost, refused by the bottleneck, or on its way. */
static void carry(int number, uint32_t frame, uint64_t now) {
    struct way* way = &ways[number];
    uint64_t leaves_ns = now;
    if (way->loss_ppm != 0 && draw(1000000) < way->loss_ppm) {
        way->lost++;
        free_frames[free_count++] = frame;
        return;
    }
    if (way->rate_kbit != 0) {
        uint64_t begins_ns = way->free_ns > now ? way->free_ns : now;
        uint64_t queued_ns = begins_ns - now;
        if (queued_ns * way->rate_kbit / 8000000 + lengths[frame] > way->queue_bytes) {
            way->full++;
            free_frames[free_count++] = frame;
            return;
        }
        way->free_ns = leaves_ns = begins_ns + lengths[frame] * 8000000ull / way->rate_kbit;
        way->queued_us_sum += queued_ns / 1000;
        if (queued_ns / 1000 > way->queued_us_max) way->queued_us_max = queued_ns / 1000;
    }
    uint64_t due_ns = leaves_ns + way->delay_ns;
    if (way->jitter_ns != 0) due_ns += draw((uint32_t)(2 * way->jitter_ns)) - way->jitter_ns;
    way->frames++;
    way->bytes += lengths[frame];
    ways_of[frame] = (uint8_t)number;
    push((struct arrival){due_ns, numbers++, frame});
}

static void receive(int number) {
    struct mmsghdr messages[BATCH];
    struct iovec buffers[BATCH];
    for (int round = 0; round < 4; round++) {
        int room = free_count < BATCH ? free_count : BATCH;
        if (room == 0) return;
        memset(messages, 0, sizeof messages);
        for (int i = 0; i < room; i++) {
            buffers[i] = (struct iovec){frames[free_frames[free_count - 1 - i]], FRAME_BYTES};
            messages[i].msg_hdr = (struct msghdr){.msg_iov = &buffers[i], .msg_iovlen = 1};
        }
        int got = recvmmsg(ways[number].in, messages, (unsigned)room, MSG_DONTWAIT, NULL);
        if (got <= 0) return;
        uint32_t taken[BATCH];
        for (int i = 0; i < got; i++) {
            taken[i] = free_frames[--free_count];
            lengths[taken[i]] = (uint16_t)messages[i].msg_len;
        }
        uint64_t now = now_ns();
        for (int i = 0; i < got; i++) carry(number, taken[i], now);
        if (got < room) return;
    }
}

/* Sends what has arrived by now. */
static void deliver(uint64_t now) {
    struct mmsghdr messages[BATCH];
    struct iovec buffers[BATCH];
    uint32_t sent[BATCH];
    while (heap_count > 0 && heap[0].due_ns <= now) {
        int number = ways_of[heap[0].frame], count = 0;
        memset(messages, 0, sizeof messages);
        while (count < BATCH && heap_count > 0 && heap[0].due_ns <= now && ways_of[heap[0].frame] == number) {
            uint32_t frame = pop().frame;
            sent[count] = frame;
            buffers[count] = (struct iovec){frames[frame], lengths[frame]};
            messages[count].msg_hdr = (struct msghdr){.msg_iov = &buffers[count], .msg_iovlen = 1};
            count++;
        }
        for (int done = 0; done < count;) {
            int went = sendmmsg(ways[number].out, messages + done, (unsigned)(count - done), 0);
            done += went > 0 ? went : 1;
        }
        for (int i = 0; i < count; i++) free_frames[free_count++] = sent[i];
    }
}

static void print_figures(void) {
    const char* const names[] = {"left", "right"};
    printf("{");
    for (int i = 0; i < 2; i++) {
        struct way* way = &ways[i];
        printf(
            "%s\"%s\":{\"frames\":%llu,\"bytes\":%llu,\"lost\":%llu,\"full\":%llu,"
            "\"queueMeanMs\":%.3f,\"queueMaxMs\":%.3f}",
            i == 0 ? "" : ",", names[i], (unsigned long long)way->frames, (unsigned long long)way->bytes,
            (unsigned long long)way->lost, (unsigned long long)way->full,
            way->frames == 0 ? 0.0 : (double)way->queued_us_sum / (double)way->frames / 1000.0,
            (double)way->queued_us_max / 1000.0);
        way->frames = way->bytes = way->lost = way->full = way->queued_us_sum = way->queued_us_max = 0;
    }
    printf("}\n");
}

/* One line of the input. */
static void obey(const char* line) {
    char name[8];
    unsigned long long delay, jitter, loss, rate, queue;
    if (strcmp(line, "figures") == 0) {
        print_figures();
    } else if (sscanf(line, "set %7s %llu %llu %llu %llu %llu", name, &delay, &jitter, &loss, &rate, &queue) == 6) {
        for (int i = 0; i < 2; i++) {
            if (strcmp(name, i == 0 ? "right" : "left") == 0) continue;
            struct way* way = &ways[i];
            way->delay_ns = delay * 1000;
            way->jitter_ns = (jitter < delay ? jitter : delay) * 1000;
            way->loss_ppm = (uint32_t)loss;
            way->rate_kbit = rate;
            way->queue_bytes = queue;
            way->free_ns = 0;
        }
        printf("ok\n");
    } else {
        printf("what? %s\n", line);
    }
    fflush(stdout);
}

int main(int argc, char** argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: path_line LEFT RIGHT [SEED]\n");
        return 2;
    }
    state = argc > 3 ? strtoull(argv[3], NULL, 10) | 1 : 88172645463325252u;
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    int left = open_interface(argv[1]), right = open_interface(argv[2]);
    ways[0] = (struct way){.in = left, .out = right};
    ways[1] = (struct way){.in = right, .out = left};
    for (uint32_t i = 0; i < FRAMES; i++) free_frames[free_count++] = i;
    printf("ready\n");
    fflush(stdout);
    char line[256];
    size_t held = 0;
    struct pollfd polled[3] = {{left, POLLIN, 0}, {right, POLLIN, 0}, {0, POLLIN, 0}};
    for (;;) {
        uint64_t now = now_ns();
        deliver(now);
        struct timespec wait = {3600, 0};
        if (heap_count > 0) {
            uint64_t ns = heap[0].due_ns > now ? heap[0].due_ns - now : 0;
            wait = (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
        }
        if (ppoll(polled, 3, &wait, NULL) < 0 && errno != EINTR) fail("ppoll");
        if (polled[0].revents) receive(0);
        if (polled[1].revents) receive(1);
        if (polled[2].revents) {
            ssize_t got = read(0, line + held, sizeof line - 1 - held);
            if (got <= 0) return 0;
            held += (size_t)got;
            line[held] = 0;
            for (char* end; (end = strchr(line, '\n')) != NULL;) {
                *end = 0;
                obey(line);
                held -= (size_t)(end + 1 - line);
                memmove(line, end + 1, held + 1);
            }
            if (held == sizeof line - 1) held = 0;
        }
    }
}
