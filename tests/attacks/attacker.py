"""A QUIC client whose packets are made by hand, over as many UDP sockets as an attack needs.

aioquic does the handshake. After that it is not asked any more: what is sent is what `send` is given, and
what comes is decrypted and read here, so that a relay's answer to nonsense can be looked at.
"""

import os
import select
import socket
import ssl
import time
from dataclasses import dataclass

from aioquic import tls
from aioquic.buffer import Buffer, encode_uint_var
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet_builder import QuicPacketBuilder
from aioquic.quic.packet import QuicPacketType

ALPN = "lanparty/1"
HOST = "127.0.0.1"
HANDSHAKE_SECONDS = 20
CID_BYTES = 8
# A path's first packet must be as long as an Initial, or its answer is held back (RFC 9000, 8.2.1).
PROBE_BYTES = 1160

PING = b"\x01"


def path_challenge(data: bytes) -> bytes:
    """A PATH_CHALLENGE frame (RFC 9000, section 19.17) with 8 bytes of data."""
    return b"\x1a" + data


def new_connection_id(sequence: int, retire_prior_to: int, cid: bytes) -> bytes:
    """A NEW_CONNECTION_ID frame (RFC 9000, section 19.15)."""
    numbers = encode_uint_var(sequence) + encode_uint_var(retire_prior_to)
    return b"\x18" + numbers + bytes([len(cid)]) + cid + os.urandom(16)


def ack(number: int) -> bytes:
    """An ACK frame (RFC 9000, section 19.3) of this packet alone."""
    return b"\x02" + encode_uint_var(number) + b"\x00\x00\x00"


@dataclass
class Packet:
    """A packet that the relay sent after the handshake."""

    socket: int
    cid: bytes
    number: int = -1
    # (type, content) of the frames; None if it is not encrypted with this connection's keys.
    frames: list | None = None

    def contents(self, kind: int) -> list:
        return [content for found, content in self.frames or [] if found == kind]


PATH_CHALLENGE = 0x1A
PATH_RESPONSE = 0x1B


def read_frames(data: bytes) -> list:
    """The frames of a packet's payload, each with its type and its bytes."""
    buffer = Buffer(data=data)
    frames = []
    while not buffer.eof():
        start = buffer.tell()
        kind = buffer.pull_uint_var()
        if kind in (0x02, 0x03):
            buffer.pull_uint_var()
            buffer.pull_uint_var()
            ranges = buffer.pull_uint_var()
            for _ in range(1 + 2 * ranges + (3 if kind == 0x03 else 0)):
                buffer.pull_uint_var()
        elif kind == 0x06:
            buffer.pull_uint_var()
            buffer.pull_bytes(buffer.pull_uint_var())
        elif kind == 0x07:
            buffer.pull_bytes(buffer.pull_uint_var())
        elif 0x08 <= kind <= 0x0F:
            buffer.pull_uint_var()
            if kind & 4:
                buffer.pull_uint_var()
            rest = buffer.pull_uint_var() if kind & 2 else buffer.capacity - buffer.tell()
            buffer.pull_bytes(rest)
        elif kind in (0x10, 0x12, 0x13, 0x14, 0x16, 0x17, 0x19):
            buffer.pull_uint_var()
        elif kind in (0x05, 0x11, 0x15):
            buffer.pull_uint_var()
            buffer.pull_uint_var()
        elif kind == 0x04:
            for _ in range(3):
                buffer.pull_uint_var()
        elif kind == 0x18:
            buffer.pull_uint_var()
            buffer.pull_uint_var()
            buffer.pull_bytes(buffer.pull_uint8())
            buffer.pull_bytes(16)
        elif kind in (PATH_CHALLENGE, PATH_RESPONSE):
            frames.append((kind, buffer.pull_bytes(8)))
            continue
        elif kind in (0x1C, 0x1D):
            for _ in range(2 if kind == 0x1C else 1):
                buffer.pull_uint_var()
            buffer.pull_bytes(buffer.pull_uint_var())
        elif kind in (0x30, 0x31):
            rest = buffer.pull_uint_var() if kind & 1 else buffer.capacity - buffer.tell()
            buffer.pull_bytes(rest)
        elif kind in (0x00, 0x01, 0x1E):
            if kind == 0x00:
                continue
        elif kind == 0xAF:  # ACK_FREQUENCY
            for _ in range(4):
                buffer.pull_uint_var()
        else:
            # Of an extension: how long it is cannot be told.
            frames.append((kind, buffer.pull_bytes(buffer.capacity - buffer.tell())))
            break
        frames.append((kind, data[start : buffer.tell()]))
    return frames


class Attacker:
    """A connection to the relay at a port of this machine."""

    def __init__(self, port: int):
        self.server = (HOST, port)
        self.sockets: list[socket.socket] = []
        self.open_socket()
        # Numbers of packets that have come and were not acknowledged yet.
        self.unacknowledged: list[int] = []
        configuration = QuicConfiguration(
            is_client=True,
            alpn_protocols=[ALPN],
            max_datagram_frame_size=65535,
            verify_mode=ssl.CERT_NONE,
            server_name="localhost",
        )
        self.quic = QuicConnection(configuration=configuration)
        self.quic.connect(self.server, now=time.time())
        self._shake_hands()
        self.largest = self.quic._spaces[tls.Epoch.ONE_RTT].expected_packet_number - 1
        # All ids that the relay may ever use towards us.
        self.known = [entry.cid for entry in self.quic._host_cids]
        self.peer_cids = [self.quic._peer_cid.cid]
        self.peer_cids += [entry.cid for entry in self.quic._peer_cid_available]
        self.next_sequence = max(entry.sequence_number for entry in self.quic._host_cids) + 1

    def open_socket(self) -> int:
        """One more source port; returns its index."""
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((HOST, 0))
        opened.setblocking(False)
        self.sockets.append(opened)
        return len(self.sockets) - 1

    def close_socket(self) -> None:
        """Closes the newest of the source ports."""
        self.sockets.pop().close()

    def _shake_hands(self) -> None:
        quic = self.quic
        end = time.monotonic() + HANDSHAKE_SECONDS
        quiet = 0
        # Until it is confirmed and nothing has come for a while: the relay has given its spare ids.
        while quiet < 10:
            if time.monotonic() > end:
                raise TimeoutError("no handshake")
            for data, _ in quic.datagrams_to_send(now=time.time()):
                self.sockets[0].sendto(data, self.server)
            readable, _, _ = select.select(self.sockets[:1], [], [], 0.05)
            if readable:
                quic.receive_datagram(self.sockets[0].recv(65535), self.server, now=time.time())
                quiet = 0
            elif quic._handshake_confirmed and len(quic._peer_cid_available) > 0:
                quiet += 1
            timer = quic.get_timer()
            if timer is not None and timer < time.time():
                quic.handle_timer(now=time.time())

    def fresh_cid(self) -> tuple[int, bytes]:
        """An id of our own that the relay does not know yet, with its sequence number."""
        sequence, cid = self.next_sequence, os.urandom(CID_BYTES)
        self.next_sequence += 1
        self.known.append(cid)
        return sequence, cid

    def send(self, index: int, frames: list[bytes], cid: bytes | None = None, pad: int = 0) -> None:
        """Sends one packet with these frames from a socket; `cid` is one of the relay's."""
        quic = self.quic
        builder = QuicPacketBuilder(
            host_cid=quic.host_cid,
            is_client=True,
            max_datagram_size=1200,
            packet_number=quic._packet_number,
            peer_cid=cid or self.peer_cids[0],
            version=quic._version,
        )
        builder.start_packet(QuicPacketType.ONE_RTT, quic._cryptos[tls.Epoch.ONE_RTT])
        builder._packet.is_ack_eliciting = builder._packet.in_flight = True
        for frame in frames:
            builder._buffer.push_bytes(frame)
        builder._buffer.push_bytes(bytes(max(0, pad - builder._buffer.tell())))
        datagrams, _ = builder.flush()
        quic._packet_number = builder.packet_number
        self.sockets[index].sendto(datagrams[0], self.server)

    def acknowledge(self, index: int, cid: bytes | None = None) -> None:
        """Acknowledges what has come. That is no probing frame: the socket's path becomes the active one."""
        self.send(index, [*map(ack, self.unacknowledged), PING], cid)
        self.unacknowledged = []

    def send_garbage(self, index: int, cid: bytes) -> None:
        """A packet for this connection that nobody could have made who lacks its keys."""
        self.sockets[index].sendto(b"\x40" + cid + os.urandom(60), self.server)

    def receive(self, seconds: float, enough=lambda packets: False) -> list[Packet]:
        """What the relay sends in that time, or until it is enough."""
        end = time.monotonic() + seconds
        packets: list[Packet] = []
        while (left := end - time.monotonic()) > 0 and not enough(packets):
            readable, _, _ = select.select(self.sockets, [], [], left)
            for sock in readable:
                packets.append(self._read(self.sockets.index(sock), sock.recv(65535)))
        return packets

    def _read(self, index: int, data: bytes) -> Packet:
        packet = Packet(socket=index, cid=data[1 : 1 + CID_BYTES])
        if data[0] & 0x80:
            return packet
        crypto = self.quic._cryptos[tls.Epoch.ONE_RTT]
        try:
            _, payload, number = crypto.decrypt_packet(data, 1 + CID_BYTES, self.largest + 1)
        except Exception:
            return packet
        self.largest = max(self.largest, number)
        packet.number = number
        self.unacknowledged.append(number)
        packet.frames = read_frames(payload)
        return packet

