/*
 * UDP datagrams at a steady rate, and a socket that takes them and does nothing with them:
 *
 *   paced_udp send ADDRESS PORT BYTES PER_SECOND MILLISECONDS     prints how many were sent
 *   paced_udp sink PORT                                           prints "ready", until it is ended
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD_BYTES_MAX = 2000, STEP_NS = 50000, BACKLOG_MAX = 64 };

static double now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static int sink(int port) {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    if (bind(fd, (struct sockaddr*)&address, sizeof(address)) != 0) return 1;
    puts("ready");
    fflush(stdout);
    static char bytes[PAYLOAD_BYTES_MAX];
    while (recv(fd, bytes, sizeof(bytes), 0) >= 0) {}
    return 1;
}

int main(int argc, char** argv) {
    if (argc == 3 && strcmp(argv[1], "sink") == 0) return sink(atoi(argv[2]));
    if (argc != 7 || strcmp(argv[1], "send") != 0) return 2;
    const int bytes = atoi(argv[4]);
    const double per_ms = atof(argv[5]) / 1e3, duration_ms = atof(argv[6]);
    if (bytes < 1 || bytes > PAYLOAD_BYTES_MAX) return 2;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[3])) };
    if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) return 2;
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(fd, (struct sockaddr*)&to, sizeof(to)) != 0) return 1;
    prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
    static char payload[PAYLOAD_BYTES_MAX];
    const double began_ms = now_ms();
    double given = 0;
    long sent = 0;
    for (double ms = 0; ms < duration_ms; ms = now_ms() - began_ms) {
        /* What the machine had no time for is not made up for by a burst. */
        if (per_ms * ms - given > BACKLOG_MAX) given = per_ms * ms - BACKLOG_MAX;
        for (; given < per_ms * ms; given++) sent += send(fd, payload, bytes, 0) == bytes;
        const struct timespec step = { .tv_nsec = STEP_NS };
        nanosleep(&step, NULL);
    }
    printf("%ld\n", sent);
    return 0;
}
