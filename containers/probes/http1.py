"""HTTP/1.1 by hand, for a provider that decides itself what it sends."""


def read_head(file):
    """The first two words of a message's head and its fields by lower-case name; None at EOF."""
    line = file.readline().decode("latin1").split()
    if not line:
        return None
    fields = {}
    while text := file.readline().decode("latin1").strip():
        name, _, value = text.partition(":")
        fields[name.lower()] = value.strip()
    return line[0], line[1], fields


def reply(peer, status, body=b"", more=b""):
    """Send a response with a length; `more` is whole header lines."""
    head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), more)
    peer.sendall(head + body)
