"""Answer each request with the requests that have come so far; says "listening"."""

import json

from probes import arguments, hold, http1, unix

(path,) = arguments()
seen = []


def handle(peer):
    file = peer.makefile("rb")
    while head := http1.read_head(file):
        seen.append(f"{head[0]} {head[1]}")
        http1.reply(peer, b"200 OK", json.dumps(seen).encode())


unix.serve(path, handle)
print("listening")
hold()
