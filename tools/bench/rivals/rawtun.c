/*
 * The smallest Layer 2 tunnel there is: no encryption, no control, one frame in each datagram, one system call for each
 * frame. It is the floor for a tunnel of this shape in user space. The gateway takes the LAN's port by a packet socket.
 *
 * usage: rawtun relay PORT | rawtun tap NAME RELAY PORT | rawtun packet INTERFACE RELAY PORT
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define PEERS_MAX 2
#define SOCKET_BYTES (4 << 20)
#define FRAMES_IN_A_TURN 32
/* An end that has had nothing to do for so long says who it is: the relay may have come after it. */
#define IDLE_MS 100

static unsigned char frame[65536];

static int fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_udp(int port) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0), size = SOCKET_BYTES;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  if (fd < 0 || bind(fd, (void *)&address, sizeof address)) fail("udp");
  return fd;
}

static int open_tap(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request)) fail("tap");
  return fd;
}

static int open_packet(const char *name) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL)), one = 1, size = SOCKET_BYTES;
  struct sockaddr_ll address = {
    .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = if_nametoindex(name)};
  struct packet_mreq everything = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
  setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
  setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &everything, sizeof everything);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  if (fd < 0 || !address.sll_ifindex || bind(fd, (void *)&address, sizeof address)) fail("packet");
  return fd;
}

/* What comes from one of the first two that speak goes to the other one. */
static void relay(int port) {
  int fd = open_udp(port), peers = 0;
  struct sockaddr_in from, peer[PEERS_MAX];
  for (;;) {
    socklen_t length = sizeof from;
    int bytes = recvfrom(fd, frame, sizeof frame, 0, (void *)&from, &length), at = 0;
    while (at < peers && memcmp(&peer[at], &from, sizeof from)) at++;
    if (at == peers && peers < PEERS_MAX) peer[peers++] = from;
    if (peers == PEERS_MAX && at < PEERS_MAX && bytes > 0) {
      sendto(fd, frame, bytes, 0, (void *)&peer[1 - at], sizeof from);
    }
  }
}

/* Each end has the relay's port for its own: started anew, it is the same peer. */
static void end(int device, const char *host, int port) {
  int udp = open_udp(port), bytes;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &to.sin_addr);
  if (connect(udp, (void *)&to, sizeof to)) fail("connect");
  fcntl(udp, F_SETFL, O_NONBLOCK);
  struct pollfd sources[2] = {{device, POLLIN, 0}, {udp, POLLIN, 0}};
  int ready = 0;
  do {
    if (ready == 0) (void)!write(udp, "", 0);
    for (int i = 0; i < FRAMES_IN_A_TURN && (bytes = read(device, frame, sizeof frame)) > 0; i++) {
      (void)!write(udp, frame, bytes);
    }
    for (int i = 0; i < FRAMES_IN_A_TURN && (bytes = read(udp, frame, sizeof frame)) >= 0; i++) {
      if (bytes > 0) (void)!write(device, frame, bytes);
    }
  } while ((ready = poll(sources, 2, IDLE_MS)) >= 0);
}

int main(int count, char **words) {
  if (count == 3 && !strcmp(words[1], "relay")) relay(atoi(words[2]));
  int is_tap = count == 5 && !strcmp(words[1], "tap");
  if (!is_tap && (count != 5 || strcmp(words[1], "packet"))) {
    fprintf(stderr, "usage: rawtun relay PORT | tap NAME RELAY PORT | packet INTERFACE RELAY PORT\n");
    return 2;
  }
  end(is_tap ? open_tap(words[2]) : open_packet(words[2]), words[3], atoi(words[4]));
  return 0;
}
