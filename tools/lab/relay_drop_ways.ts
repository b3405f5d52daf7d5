/**
 * How the tests make the relay drop a frame for each of its reasons, as data: the document
 * `docs/DROPS.md` says it in these words, and `tests/integration/relay/drops_test.ts` does it.
 */

/** Reasons that anybody on the network can provoke: at the compiled relay, over Deno's own QUIC. */
export const OUTER_WAYS = {
  "malformed-short": "a datagram of one byte",
  "malformed-version": "a datagram of version 9",
  "malformed-flags": "a datagram with a reserved flag",
  "malformed-short-frame": "a datagram with a frame of 5 bytes",
  "malformed-first-piece": "a first piece of 100 bytes",
  "malformed-piece-offset": "a later piece at offset 100",
  "malformed-empty-piece": "a later piece without content",
  "malformed-other": "a piece under a frame id of the relay's own half",
  "before-welcome": "a frame before the hello",
  "foreign-source": "a player's frame from another MAC",
  "multicast-source": "a frame from a group address out of the LAN",
  "zero-source": "a frame from 00:00:00:00:00:00 out of the LAN",
  "loop": "a frame from a player's MAC out of the LAN",
  "own-destination": "a player's frame to the player's own MAC",
  "unknown-destination": "a frame out of the LAN to a MAC that nobody has",
  "no-gateway": "a player's frame to the LAN of a room without a gateway",
  "no-target": "a broadcast of somebody who is alone",
  "over-long": "a later piece that ends at 1,600 bytes",
  "switch-control": "a player's spanning tree frame",
  "dhcp-server": "a player's DHCP offer",
  "dhcpv6-server": "a player's DHCPv6 reply",
  "router-advertisement": "a player's router advertisement",
  "icmp-redirect": "a player's IPv6 redirect",
  "vlan-tag": "a player's frame with a VLAN tag",
  "vlan-registration": "a player's MVRP",
  "router-protocol": "a player's VRRP",
  "multicast-query": "a player's IGMP query",
  "proxy-name": "a player's LLMNR answer for wpad",
  "neighbour-forged": "a player's ARP in another's name",
  "too-many-tags": "a player's frame with three VLAN tags",
  "hidden-headers": "a first IP fragment that ends before its headers do",
  "sender-ending": "a frame behind a protocol error",
  "broadcast-limit": "more broadcasts than --max-broadcast-frames",
  "unknown-unicast-limit": "more frames to an unknown MAC than --max-unknown-frames",
  "bandwidth-limit": "more bytes than --max-megabits",
  "room-limit": "more broadcasts times receivers than --max-room-deliveries",
  "address-limit": "more from one address than --max-address-megabits",
} as const;

/** Those that need a relay at its bounds: at the relay's core and shell in the test's process, over msquic. */
export const INNER_WAYS = {
  "queue-late": "frames for a player who takes nothing for a while",
  "queue-codel": "more frames than a player takes, for a while",
  "queue-overflow": "more frames at once than a queue of 4 kB holds",
  "no-buffer": "a frame that must be cut while all buffers are in use",
  "target-too-narrow": "a frame for a player whose path is said to carry 500 bytes",
  "target-left": "frames that wait for a player who is kicked",
  "send-failed": "frames for a player whose connection is just ending",
} as const;
