"""Attacks on how a relay keeps the paths of a connection. Prints what came of one as a line of JSON.

usage: paths.py ATTACK PORT PID     (PID: the relay's, for those that must stop it for a moment)
"""

import json
import os
import signal
import sys
import time

from attacker import (
    PATH_RESPONSE,
    PING,
    PROBE_BYTES,
    Attacker,
    new_connection_id,
    path_challenge,
)

ANSWER_SECONDS = 5
# Long enough for an answer that ought not to come.
SILENCE_SECONDS = 1
PATHS = 300


def probe(attacker: Attacker, index: int, cid: bytes) -> bool:
    """Makes a path from this socket; whether the relay has answered to it."""
    data = os.urandom(8)
    attacker.send(index, [path_challenge(data)], cid=cid, pad=PROBE_BYTES)
    packets = attacker.receive(
        ANSWER_SECONDS,
        lambda found: any(data in packet.contents(PATH_RESPONSE) for packet in found),
    )
    return any(packet.socket == index for packet in packets)


def listen(attacker: Attacker, wanted: set[int]) -> list:
    """What comes until these sockets have heard something, and then what ought not to come."""
    packets = attacker.receive(
        ANSWER_SECONDS,
        lambda found: wanted <= {packet.socket for packet in found},
    )
    return packets + attacker.receive(SILENCE_SECONDS)


def report(attacker: Attacker, packets: list, **more) -> dict:
    return {
        "packets": len(packets),
        "sockets": sorted({packet.socket for packet in packets}),
        "unknownIds": sum(packet.cid not in attacker.known for packet in packets),
        "unreadable": sum(packet.frames is None for packet in packets),
        **more,
    }


def retire_all_but_one(attacker: Attacker) -> bytes:
    """A frame that leaves the relay a single id of ours: enough for one path."""
    sequence, cid = attacker.fresh_cid()
    return new_connection_id(sequence, sequence, cid)


def ping_for_answers(attacker: Attacker, index: int, count: int) -> list:
    packets = []
    for _ in range(count):
        attacker.acknowledge(index, cid=attacker.peer_cids[1])
        packets += attacker.receive(0.2)
    return packets


def promotion(attacker: Attacker, _pid: int) -> dict:
    """A packet that takes its own path's id away, and asks for that path to be the active one."""
    second = attacker.open_socket()
    probed = probe(attacker, second, attacker.peer_cids[1])
    attacker.send(second, [retire_all_but_one(attacker), PING], cid=attacker.peer_cids[1])
    packets = attacker.receive(0.5) + ping_for_answers(attacker, second, 10)
    return report(attacker, packets, probed=probed)


def neighbour(attacker: Attacker, _pid: int) -> dict:
    """The same with one more path behind the removed one: it moves into the gap."""
    second, third = attacker.open_socket(), attacker.open_socket()
    probed = probe(attacker, third, attacker.peer_cids[1])
    # The newest path lies in front of the others, so this is the one that is removed.
    probed &= probe(attacker, second, attacker.peer_cids[2])
    data = os.urandom(8)
    sequence, cid = attacker.fresh_cid()
    frames = [new_connection_id(sequence, sequence, cid), path_challenge(data), PING]
    attacker.send(second, frames, cid=attacker.peer_cids[2], pad=PROBE_BYTES)
    packets = listen(attacker, {0})
    answered = sorted({p.socket for p in packets if data in p.contents(PATH_RESPONSE)})
    return report(attacker, packets, probed=probed, answered=answered)


def batch(attacker: Attacker, pid: int) -> dict:
    """In one batch a packet of a known path, and garbage from a port that was never heard of."""
    second, stranger = attacker.open_socket(), attacker.open_socket()
    probed = probe(attacker, second, attacker.peer_cids[1])
    attacker.receive(0.2)
    os.kill(pid, signal.SIGSTOP)
    try:
        attacker.send(second, [PING], cid=attacker.peer_cids[1])
        attacker.send_garbage(stranger, attacker.peer_cids[1])
        time.sleep(0.1)
    finally:
        os.kill(pid, signal.SIGCONT)
    return report(attacker, listen(attacker, {0, second}), probed=probed)


def many(attacker: Attacker, _pid: int) -> dict:
    """More paths, one after the other, than a path's number can tell apart (8 bits)."""
    unnoticed = []
    for turn in range(PATHS):
        # Enough ids for all of the paths that a connection keeps.
        ids = [attacker.fresh_cid() for _ in range(4)]
        attacker.send(0, [new_connection_id(sequence, ids[0][0], cid) for sequence, cid in ids])
        attacker.receive(0.02)
        attacker.acknowledge(0)
        index = attacker.open_socket()
        attacker.send(index, [path_challenge(os.urandom(8))], attacker.peer_cids[1], PROBE_BYTES)
        packets = attacker.receive(
            ANSWER_SECONDS,
            lambda found: any(packet.socket == index for packet in found),
        )
        if not any(packet.socket == index for packet in packets):
            unnoticed.append(turn)
        attacker.close_socket()
    return {"unnoticed": unnoticed}


ATTACKS = {attack.__name__: attack for attack in (promotion, neighbour, batch, many)}


def main() -> None:
    name, port, pid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(ATTACKS[name](Attacker(port), pid)))


main()
