"""Restart the consumer three times; tells the milliseconds until its socket answers.

They count from the moment that the graph shows its new process. Three times: a broker that polls
may be quick by chance once.
"""

import http.client
import json
import time

from probes import arguments, labels, patient, tell, unix

control_path, name, target = arguments()


class Control(http.client.HTTPConnection):
    def connect(self):
        self.sock = unix.connect(control_path, None)


def ask(method, path, body=None):
    control = Control("localhost")
    control.request(method, path, body)
    answer = control.getresponse().read()
    control.close()
    return answer


def consumer():
    """Pid of the consumer, by the graph."""
    graph = json.loads(ask("GET", "/xconnect-graph"))
    return next(link["consumer_pid"] for link in graph if link["consumer"] == name)


times = []
for _ in range(3):
    before = consumer()
    ask("PUT", f"/containers/{name}", '{"action":"restart"}')
    while (pid := consumer()) in (before, 0, -1):
        time.sleep(0.002)
    begun = time.monotonic()
    path = f"/proc/{pid}/root{target}"
    while labels.at(path) != "probe" and time.monotonic() < begun + patient(6):
        time.sleep(0.002)
    times.append((time.monotonic() - begun) * 1000)
tell(times)
