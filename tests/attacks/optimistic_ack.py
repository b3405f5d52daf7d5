"""Acknowledges packets of the relay, those that came or simply all up to the last one.

usage: optimistic_ack.py PORT (honest|greedy) COUNT

Provokes so many packets, one after the other. Says how many came before the relay ended the connection, and
with which error (RFC 9000, section 20.1); none if it did not.
"""

import json
import sys

from aioquic.buffer import encode_uint_var

from attacker import CONNECTION_CLOSE, PING, Attacker, close_error


def ack_up_to(largest: int) -> bytes:
    """An ACK frame (RFC 9000, section 19.3) of every packet number from zero on."""
    return b"\x02" + encode_uint_var(largest) + b"\x00\x00" + encode_uint_var(largest)


port, greedy, count = int(sys.argv[1]), sys.argv[2] == "greedy", int(sys.argv[3])
attacker = Attacker(port)
error = None
came = 0
while came < count and error is None:
    if greedy:
        attacker.send(0, [ack_up_to(attacker.largest), PING])
        attacker.unacknowledged = []
    else:
        attacker.acknowledge(0)
    packets = attacker.receive(5, lambda packets: len(packets) > 0)
    if not packets:
        break
    came += len(packets)
    for packet in packets:
        for content in packet.contents(CONNECTION_CLOSE):
            error = close_error(content)
print(json.dumps({"came": came, "error": error}))
