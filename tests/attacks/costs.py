"""Packets that keep to the letter and make the relay keep long lists, or walk them for each frame.

usage: costs.py ATTACK PORT [COUNT]

    gaps        a stream's every second byte, COUNT of them
    first-gaps  the same in the CRYPTO frames of a handshake that has hardly begun
    acks        packets with COUNT ACK frames each
    ranges      packet numbers with so many and so wide gaps that an ACK frame of all is longer than a packet
    retire      a connection ID with the sequence number COUNT is retired

Says with which error the relay has ended the connection (RFC 9000, section 20.1), none if it did not, and
whether a PING that follows is acknowledged.
"""

import json
import select
import socket
import ssl
import sys
import time

from aioquic import tls
from aioquic.buffer import encode_uint_var
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicPacketType
from aioquic.quic.packet_builder import QuicPacketBuilder

from attacker import ACK, ALPN, CONNECTION_CLOSE, HOST, PING
from attacker import Attacker, ShortPackets, ack, close_error, largest_acknowledged

# Room for frames in a packet of the attacker's.
FRAMES_BYTES = 1100
ANSWER_SECONDS = 20
# Packets to be sent before the relay's are read.
BURST = 8
ACK_PACKETS = 8
# An ACK frame can tell of 128 ranges. Its gaps take numbers of eight bytes, and the last ranges take two.
RANGES = 140
LONG_RANGES = 40
LONG_RANGE_PACKETS = 66
GAP = (1 << 30) + 1000


def stream(offset: int) -> bytes:
    """A STREAM frame (RFC 9000, section 19.8) with one byte of the control stream."""
    return b"\x0e\x00" + encode_uint_var(offset) + b"\x01x"


def crypto(offset: int) -> bytes:
    """A CRYPTO frame (RFC 9000, section 19.6) with one byte."""
    return b"\x06" + encode_uint_var(offset) + b"\x01x"


def retire_connection_id(sequence: int) -> bytes:
    """A RETIRE_CONNECTION_ID frame (RFC 9000, section 19.16)."""
    return b"\x19" + encode_uint_var(sequence)


def in_packets(frames) -> list[list[bytes]]:
    """The frames, as many in each packet as fit."""
    packets, length = [[]], 0
    for frame in frames:
        if length + len(frame) > FRAMES_BYTES:
            packets.append([])
            length = 0
        packets[-1].append(frame)
        length += len(frame)
    return packets


class Ending:
    """Sends packets, and looks at what comes."""

    def __init__(self, attacker: Attacker):
        self.attacker = attacker
        self.error = None
        self.acknowledged = -1

    def read(self, seconds: float, enough=lambda: False) -> None:
        """Reads what comes in that time, or until it is enough."""
        end = time.monotonic() + seconds
        while True:
            left = max(0, end - time.monotonic())
            for packet in self.attacker.receive(left, lambda packets: len(packets) > 0):
                for content in packet.contents(CONNECTION_CLOSE):
                    self.error = close_error(content)
                for content in packet.contents(ACK):
                    self.acknowledged = max(self.acknowledged, largest_acknowledged(content))
            self.attacker.unacknowledged = []
            if left == 0 or self.error is not None or enough():
                return

    def send(self, packets) -> None:
        for count, frames in enumerate(packets):
            self.attacker.send(0, frames)
            if count % BURST == BURST - 1:
                self.read(0.001)
            if self.error is not None:
                return

    def ping(self) -> bool:
        """Whether a PING is acknowledged. A packet may be lost: it is said a few times."""
        first = self.attacker.packet_number
        for _ in range(10):
            if self.error is not None or self.acknowledged >= first:
                break
            self.attacker.send(0, [PING])
            self.read(ANSWER_SECONDS / 10, lambda: self.acknowledged >= first)
        return self.acknowledged >= first


def first_gaps(port: int, count: int):
    """CRYPTO frames in Initial packets; the error that they are answered with."""
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=[ALPN], verify_mode=ssl.CERT_NONE, server_name="localhost"
    )
    quic = QuicConnection(configuration=configuration)
    quic.connect((HOST, port), now=time.time())
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))
    number = 0
    for frames in in_packets(crypto(offset) for offset in range(1, 2 * count, 2)):
        builder = QuicPacketBuilder(
            host_cid=quic.host_cid,
            is_client=True,
            max_datagram_size=1200,
            packet_number=number,
            peer_cid=quic._peer_cid.cid,
            version=quic._version,
        )
        builder.start_packet(QuicPacketType.INITIAL, quic._cryptos_initial[quic._version])
        builder._packet.is_ack_eliciting = builder._packet.in_flight = True
        for frame in frames:
            builder._buffer.push_bytes(frame)
        datagrams, _ = builder.flush()
        number = builder.packet_number
        sock.sendto(datagrams[0], (HOST, port))
    end = time.monotonic() + ANSWER_SECONDS
    acknowledged = False
    while quic._close_event is None and (left := end - time.monotonic()) > 0:
        if not select.select([sock], [], [], left)[0]:
            break
        quic._spaces[tls.Epoch.INITIAL].ack_queue.add(0)
        data = sock.recv(65535)
        quic.receive_datagram(data, (HOST, port), now=time.time())
        acknowledged = True
        if count < 1000:
            break
    return {
        "error": quic._close_event and quic._close_event.error_code,
        "acknowledged": acknowledged,
    }


def run(name: str, port: int, count: int):
    if name == "first-gaps":
        return first_gaps(port, count)
    attacker = Attacker(port, ShortPackets if name == "ranges" else QuicConnection)
    attacker.say_hello("COSTS")
    ending = Ending(attacker)
    if name == "gaps":
        # The first byte behind the hello never comes, so none of them is delivered.
        start = len(attacker.hello) + 1
        ending.send(in_packets(stream(start + 2 * piece) for piece in range(count)))
    elif name == "acks":
        ending.send([[ack(attacker.largest)] * count + [PING] for _ in range(ACK_PACKETS)])
    elif name == "retire":
        ending.send([[retire_connection_id(count)]])
    elif name == "ranges":
        for number in range(RANGES):
            attacker.packet_number += GAP
            ending.send([[PING]] * (LONG_RANGE_PACKETS if number >= RANGES - LONG_RANGES else 1))
    else:
        raise ValueError(name)
    acknowledged = ending.ping()
    return {"error": ending.error, "acknowledged": acknowledged}


print(json.dumps(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)))
