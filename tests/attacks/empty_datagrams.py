"""Sends empty UDP datagrams to a port of this machine, no faster than they are received.

usage: empty_datagrams.py PORT COUNT
"""

import json
import socket
import sys
import time

BURST = 50
PAUSE_SECONDS = 0.002

port, count = int(sys.argv[1]), int(sys.argv[2])
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for sent in range(count):
    sender.sendto(b"", ("127.0.0.1", port))
    if sent % BURST == 0:
        time.sleep(PAUSE_SECONDS)
print(json.dumps({"sent": count}))
