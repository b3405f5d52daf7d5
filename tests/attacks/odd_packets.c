/*
 * Sends very many odd packets of one kind to a UDP port of this machine, as fast as they are taken: none of
 * them belongs to a connection.
 *
 * usage: odd_packets ADDRESS PORT KIND COUNT
 *
 * The kernel drops what a full socket cannot take and counts that, so the sender waits while much waits there
 * and sends more in place of what was dropped. It prints how many were taken.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define BYTES_MAX 1200
#define QUIC_1 0x00000001u
/* No version that anybody speaks: it is answered with those that are spoken. */
#define QUIC_UNKNOWN 0x1a2a3a4cu
#define CID_BYTES 8
/* As long as the tokens of msquic's Retry: sizeof(QUIC_TOKEN_CONTENTS). */
#define TOKEN_BYTES 80
/* Of packets that share a datagram. */
#define COALESCED_BYTES 48
/* Beyond this the receiver is waited for. */
#define WAITING_BYTES_MAX 100000

static uint64_t state = 88172645463325252ull;

/* xorshift64: every packet is another one. */
static uint64_t next_random(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static void fill_random(uint8_t *bytes, size_t length) {
  for (size_t at = 0; at < length; at += 8) {
    uint64_t word = next_random();
    size_t left = length - at;
    memcpy(bytes + at, &word, left < 8 ? left : 8);
  }
}

/* The part of a long header that all versions have (RFC 8999, section 5.1); returns its length. */
static size_t long_header(uint8_t *bytes, uint8_t first, uint32_t version) {
  bytes[0] = first;
  uint32_t network = htonl(version);
  memcpy(bytes + 1, &network, 4);
  bytes[5] = CID_BYTES;
  bytes[6 + CID_BYTES] = CID_BYTES;
  return 7 + 2 * CID_BYTES;
}

/* A length of two bytes for all that follows up to the packet's end (RFC 9000, section 16). */
static size_t length_field(uint8_t *bytes, size_t at, size_t total) {
  size_t left = total - at - 2;
  bytes[at] = 0x40 | left >> 8;
  bytes[at + 1] = (uint8_t)left;
  return at + 2;
}

/* Writes a packet of the kind; returns its length. Everything that is not said is random. */
static size_t make_packet(const char *kind, uint8_t *bytes) {
  fill_random(bytes, BYTES_MAX);
  if (strcmp(kind, "empty") == 0) return 0;
  if (strcmp(kind, "byte") == 0) return bytes[0] = 0x40, 1;
  if (strcmp(kind, "random-20") == 0) return 20;
  if (strcmp(kind, "short-header") == 0) return bytes[0] = 0x40 | (bytes[0] & 0x3f), 40;
  if (strcmp(kind, "random-1200") == 0) return BYTES_MAX;
  if (strcmp(kind, "unknown-version") == 0) return long_header(bytes, 0xc0, QUIC_UNKNOWN), BYTES_MAX;
  if (strcmp(kind, "version-negotiation") == 0) return long_header(bytes, 0x80, 0), 1 + 4 + 18 + 8;
  if (strcmp(kind, "initial") == 0) {
    size_t at = long_header(bytes, 0xc3, QUIC_1);
    bytes[at] = 0; /* no token */
    length_field(bytes, at + 1, BYTES_MAX);
    return BYTES_MAX;
  }
  if (strcmp(kind, "initial-token") == 0) {
    size_t at = long_header(bytes, 0xc3, QUIC_1);
    bytes[at] = 0x40;
    bytes[at + 1] = TOKEN_BYTES;
    bytes[at + 2] &= 0xfe; /* a token of Retry, not of NEW_TOKEN */
    length_field(bytes, at + 2 + TOKEN_BYTES, BYTES_MAX);
    return BYTES_MAX;
  }
  if (strcmp(kind, "zero-rtt") == 0 || strcmp(kind, "handshake") == 0) {
    size_t at = long_header(bytes, kind[0] == 'z' ? 0xd3 : 0xe3, QUIC_1);
    length_field(bytes, at, BYTES_MAX);
    return BYTES_MAX;
  }
  if (strcmp(kind, "coalesced") == 0) {
    for (size_t start = 0; start < BYTES_MAX; start += COALESCED_BYTES) {
      size_t at = start + long_header(bytes + start, 0xe3, QUIC_1);
      length_field(bytes, at, start + COALESCED_BYTES);
    }
    return BYTES_MAX;
  }
  if (strcmp(kind, "retry") == 0) return long_header(bytes, 0xf0, QUIC_1), 120;
  fprintf(stderr, "no such kind: %s\n", kind);
  exit(2);
}

struct queue {
  uint64_t waiting_bytes;
  uint64_t dropped;
};

/* What /proc/net/udp and udp6 say of the sockets that are bound to a port (proc(5)). */
static struct queue look_at_port(unsigned port) {
  struct queue sum = {0, 0};
  const char *files[] = {"/proc/net/udp", "/proc/net/udp6"};
  for (int i = 0; i < 2; i++) {
    FILE *file = fopen(files[i], "r");
    char line[512];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
      unsigned local;
      uint64_t waiting, dropped;
      /* sl, local address, remote address, st, tx_queue:rx_queue, tr:tm, retrnsmt, uid, timeout, inode, ref, pointer, drops */
      int fields = sscanf(line,
                          " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %*x %*x:%" SCNx64
                          " %*x:%*x %*x %*u %*u %*u %*u %*x %" SCNu64,
                          &local, &waiting, &dropped);
      if (fields != 3 || local != port) continue;
      sum.waiting_bytes += waiting;
      sum.dropped += dropped;
    }
    if (file != NULL) fclose(file);
  }
  return sum;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  unsigned port = (unsigned)atoi(argv[2]);
  const char *kind = argv[3];
  uint64_t count = strtoull(argv[4], NULL, 10);
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int is_v4 = inet_pton(AF_INET, argv[1], &v4.sin_addr) == 1;
  if (!is_v4 && inet_pton(AF_INET6, argv[1], &v6.sin6_addr) != 1) return 2;
  state ^= (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
  int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
  const struct sockaddr *to = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
  if (connect(fd, to, is_v4 ? sizeof v4 : sizeof v6) != 0) return perror("connect"), 1;

  static uint8_t packets[BATCH][BYTES_MAX];
  struct iovec parts[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  uint64_t before = look_at_port(port).dropped, sent = 0, taken = 0;
  while (taken < count) {
    for (int i = 0; i < BATCH; i++) {
      parts[i].iov_base = packets[i];
      parts[i].iov_len = make_packet(kind, packets[i]);
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (int done = 0; done < BATCH;) {
      int more = sendmmsg(fd, messages + done, BATCH - done, 0);
      if (more < 0 && errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED) return perror("sendmmsg"), 1;
      if (more > 0) done += more;
    }
    sent += BATCH;
    struct queue queue = look_at_port(port);
    while (queue.waiting_bytes > WAITING_BYTES_MAX) {
      usleep(100);
      queue = look_at_port(port);
    }
    taken = sent - (queue.dropped - before);
  }
  printf("%" PRIu64 " taken of %" PRIu64 " sent\n", taken, sent);
  return 0;
}
