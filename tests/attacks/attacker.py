"""A QUIC client whose packets are made by hand, over as many UDP sockets as an attack needs.

aioquic does the handshake. After that it is not asked any more: what is sent is what `send` is given, and
what comes is decrypted and read here, so that a relay's answer to nonsense can be looked at.
"""

import json
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


def ack(*numbers: int) -> bytes:
    """An ACK frame (RFC 9000, section 19.3) of these packets alone."""
    falling = sorted(set(numbers), reverse=True)
    # The first and the last number of each range.
    ranges = [[falling[0], falling[0]]]
    for number in falling[1:]:
        if number == ranges[-1][1] - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    largest, first = ranges[0]
    frame = b"\x02" + encode_uint_var(largest) + b"\x00" + encode_uint_var(len(ranges) - 1)
    frame += encode_uint_var(largest - first)
    for high, low in ranges[1:]:
        frame += encode_uint_var(first - high - 2) + encode_uint_var(high - low)
        first = low
    return frame


def largest_acknowledged(frame: bytes) -> int:
    """The largest packet number that an ACK frame acknowledges."""
    buffer = Buffer(data=frame)
    buffer.pull_uint_var()
    return buffer.pull_uint_var()


def close_error(frame: bytes) -> int:
    """The error code of a CONNECTION_CLOSE frame (RFC 9000, section 19.19)."""
    buffer = Buffer(data=frame)
    buffer.pull_uint_var()
    return buffer.pull_uint_var()


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


ACK = 0x02
PATH_CHALLENGE = 0x1A
PATH_RESPONSE = 0x1B
CONNECTION_CLOSE = 0x1C


def is_welcome(packet: Packet) -> bool:
    """Whether the relay has taken a hello."""
    return any(0x08 <= kind <= 0x0F and b'"welcome"' in frame for kind, frame in packet.frames or [])


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


class ShortPackets(QuicConnection):
    """Takes no packets above 1200 bytes: a path that carries no more (RFC 9000, section 18.2)."""

    def _serialize_transport_parameters(self) -> bytes:
        size = encode_uint_var(1200)
        return super()._serialize_transport_parameters() + b"\x03" + bytes([len(size)]) + size


class Attacker:
    """A connection to the relay at a port of this machine."""

    def __init__(self, port: int, connection=QuicConnection):
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
        self.quic = connection(configuration=configuration)
        self.quic.connect(self.server, now=time.time())
        self._shake_hands()
        self.largest = self.quic._spaces[tls.Epoch.ONE_RTT].expected_packet_number - 1
        # All ids that the relay may ever use towards us.
        self.known = [entry.cid for entry in self.quic._host_cids]
        self.peer_cids = [self.quic._peer_cid.cid]
        self.peer_cids += [entry.cid for entry in self.quic._peer_cid_available]
        self.next_sequence = max(entry.sequence_number for entry in self.quic._host_cids) + 1
        # The number of the next packet.
        self.packet_number = self.quic._packet_number

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

    def say_hello(self, room: str) -> None:
        """Joins a room, so that the relay does not wait for it. The control stream goes on behind `hello`."""
        # The MAC of who has left is kept for a while.
        mac = ":".join(["02", *(f"{byte:02x}" for byte in os.urandom(5))])
        hello = {"type": "hello", "protocol": 1, "role": "client", "room": room, "mac": mac}
        text = json.dumps({**hello, "datagramBudget": 1100}).encode()
        self.hello = len(text).to_bytes(4, "big") + text
        frame = b"\x0a\x00" + encode_uint_var(len(self.hello)) + self.hello
        end = time.monotonic() + HANDSHAKE_SECONDS
        while True:
            if time.monotonic() > end:
                raise TimeoutError("no welcome")
            self.send(0, [frame])
            packets = self.receive(1, lambda packets: any(map(is_welcome, packets)))
            self.acknowledge(0)
            if any(map(is_welcome, packets)):
                return

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
        crypto = self.quic._cryptos[tls.Epoch.ONE_RTT]
        # The fixed bit, the key phase, and a packet number of four bytes (RFC 9000, section 17.3.1).
        header = bytes([0x43 | crypto.send.key_phase << 2]) + (cid or self.peer_cids[0])
        header += (self.packet_number & 0xFFFFFFFF).to_bytes(4, "big")
        payload = b"".join(frames)
        payload += bytes(max(0, pad - len(header) - len(payload)))
        data = crypto.encrypt_packet(header, payload, self.packet_number)
        self.packet_number += 1
        self.sockets[index].sendto(data, self.server)

    def acknowledge(self, index: int, cid: bytes | None = None) -> None:
        """Acknowledges what has come. That is no probing frame: the socket's path becomes the active one."""
        frames = [ack(*self.unacknowledged)] if self.unacknowledged else []
        self.send(index, [*frames, PING], cid)
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

