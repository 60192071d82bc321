"""Send each write over one connection; tells the JSON in the responses to its requests."""

import json

from probes import arguments, http1, tell, unix

path, writes = arguments()
peer = unix.connect(path)
file = peer.makefile("rb")
seen = []
for write in writes:
    peer.sendall(write.encode())
    for _ in range(write.count("GET ")):
        _, _, fields = http1.read_head(file) or ("", "", {})
        seen.append(json.loads(file.read(int(fields["content-length"]))))
tell(seen)
