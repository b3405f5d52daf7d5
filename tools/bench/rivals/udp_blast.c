/*
 * UDP at a given rate, and what arrives of it and when. Sender and receiver share a clock, so delays are one-way.
 *
 * usage: udp_blast receive PORT RUN                       says "ready"; at SIGTERM prints JSON and ends
 *        udp_blast send HOST PORT BYTES RATE SECONDS RUN  prints JSON
 *
 * RUN is a number that keeps what is late from an earlier run apart.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define BYTES_MAX 2048
#define SEQUENCES_MAX (1u << 25)
#define DELAYS_MAX (1u << 22)
/* What a sender that was held up makes up for; the rest is never sent. */
#define BACKLOG_SECONDS 0.004
#define WAIT_NS 100000

struct header {
  uint32_t run;
  uint32_t sequence;
  uint64_t sent_ns;
};

static unsigned char buffers[BATCH][BYTES_MAX];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];
static volatile sig_atomic_t stopped;

static void on_signal(int signal) {
  (void)signal;
  stopped = 1;
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static int fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_udp(int option, int plain_option, int size) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) fail("socket");
  if (setsockopt(fd, SOL_SOCKET, option, &size, sizeof size)) {
    setsockopt(fd, SOL_SOCKET, plain_option, &size, sizeof size);
  }
  return fd;
}

static void prepare_batch(size_t bytes) {
  for (int i = 0; i < BATCH; i++) {
    for (int j = 0; j < BYTES_MAX; j++) buffers[i][j] = j * 131 + i;
    vectors[i] = (struct iovec){.iov_base = buffers[i], .iov_len = bytes};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
}

static int by_size(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return a < b ? -1 : a > b;
}

static int receive(int port, uint32_t run) {
  int fd = open_udp(SO_RCVBUFFORCE, SO_RCVBUF, 16 << 20);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (bind(fd, (void *)&address, sizeof address)) fail("bind");
  struct timeval wait = {0, 50000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, 0);
  prepare_batch(BYTES_MAX);
  uint8_t *seen = calloc(SEQUENCES_MAX / 8, 1);
  uint32_t *delays_us = malloc(DELAYS_MAX * sizeof *delays_us);
  if (!seen || !delays_us) fail("memory");
  size_t delays = 0, received = 0, duplicates = 0;
  puts("ready");
  fflush(stdout);
  while (!stopped) {
    int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, 0);
    uint64_t at_ns = now_ns();
    for (int i = 0; i < count; i++) {
      struct header *header = (void *)buffers[i];
      uint32_t sequence = header->sequence;
      if (messages[i].msg_len < sizeof *header || header->run != run || sequence >= SEQUENCES_MAX) continue;
      if (seen[sequence / 8] & (1 << (sequence & 7))) {
        duplicates++;
        continue;
      }
      seen[sequence / 8] |= 1 << (sequence & 7);
      received++;
      if (delays < DELAYS_MAX) delays_us[delays++] = (at_ns - header->sent_ns) / 1000;
    }
  }
  qsort(delays_us, delays, sizeof *delays_us, by_size);
  printf("{\"received\":%zu,\"duplicates\":%zu,\"medianUs\":%u,\"p99Us\":%u,\"maxUs\":%u}\n", received, duplicates,
         delays ? delays_us[delays / 2] : 0, delays ? delays_us[delays * 99 / 100] : 0, delays ? delays_us[delays - 1] : 0);
  return 0;
}

static int send_all(const char *host, int port, size_t bytes, double rate, double seconds, uint32_t run) {
  int fd = open_udp(SO_SNDBUFFORCE, SO_SNDBUF, 4 << 20);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, host, &to.sin_addr) != 1 || connect(fd, (void *)&to, sizeof to)) fail("connect");
  prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
  prepare_batch(bytes);
  uint64_t start_ns = now_ns(), end_ns = start_ns + (uint64_t)(seconds * 1e9), at_ns, sent = 0, skipped = 0;
  const double due_max = rate * BACKLOG_SECONDS + BATCH;
  while ((at_ns = now_ns()) < end_ns) {
    double due = rate * ((at_ns - start_ns) / 1e9) - (double)(sent + skipped);
    if (due > due_max) {
      skipped += (uint64_t)(due - due_max);
      due = due_max;
    }
    int count = due > BATCH ? BATCH : (int)due;
    if (count <= 0) {
      nanosleep(&(struct timespec){0, WAIT_NS}, 0);
      continue;
    }
    for (int i = 0; i < count; i++) {
      *(struct header *)buffers[i] = (struct header){.run = run, .sequence = sent + i, .sent_ns = at_ns};
    }
    int done = sendmmsg(fd, messages, count, 0);
    if (done > 0) sent += done;
    else if (errno == ENOBUFS || errno == EAGAIN || errno == ECONNREFUSED) skipped++;
    else fail("send");
  }
  printf("{\"sent\":%lu,\"seconds\":%.6f}\n", (unsigned long)sent, (now_ns() - start_ns) / 1e9);
  return 0;
}

int main(int count, char **words) {
  if (count == 4 && !strcmp(words[1], "receive")) return receive(atoi(words[2]), strtoul(words[3], 0, 10));
  size_t bytes = count == 8 ? strtoul(words[4], 0, 10) : 0;
  if (bytes < sizeof(struct header) || bytes > BYTES_MAX || strcmp(words[1], "send")) {
    fprintf(stderr, "usage: udp_blast receive PORT RUN | send HOST PORT BYTES RATE SECONDS RUN\n");
    return 2;
  }
  return send_all(words[2], atoi(words[3]), bytes, atof(words[5]), atof(words[6]), strtoul(words[7], 0, 10));
}
