"""Let a process get the pid of a consumer that has died, while the graph still names that one.

A pv-ctrl of its own, a broker for it, and two processes with roots of their own; ns_last_pid,
pid_namespaces(7), gives the second the first one's pid. Tells what was planted where.
"""

import ctypes
import http.server
import json
import os
import signal
import socketserver
import subprocess
import threading

from probes import tell, wait_for

WORK = "/tmp/pid-reuse"
CLONE_NEWNS = 0x20000
libc = ctypes.CDLL(None)


def folder(name):
    root = f"{WORK}/{name}"
    os.makedirs(root)
    subprocess.run(["mount", "-t", "tmpfs", "none", root], check=True)
    return root


def stand_in(root):
    """Pid of a new process that has this root and waits."""
    ready, said = os.pipe()
    pid = os.fork()
    if pid == 0:
        libc.unshare(CLONE_NEWNS)
        os.chroot(root)
        os.write(said, b".")
        while True:
            signal.pause()
    os.read(ready, 1)
    return pid


def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def start_of(pid):
    """Start time, proc_pid_stat(5)."""
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[19])


first_root, second_root = folder("first"), folder("second")
provider = stand_in(folder("provider"))
first = stand_in(first_root)
link = {
    "consumer": "first",
    "consumer_pid": first,
    "consumer_start": start_of(first),
    "provider": "provider",
    "provider_pid": provider,
    "provider_start": start_of(provider),
    "name": "secret",
    "type": "unix",
    "role": "any",
    "interface": None,
    "target": "/secret.sock",
    "socket": "/s.sock",
}
graph = json.dumps([link]).encode()
reads = 0


class Control(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global reads
        reads += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(graph)))
        self.end_headers()
        self.wfile.write(graph)

    def log_message(self, format, *args):
        pass


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


control = Server(f"{WORK}/pv-ctrl", Control)
threading.Thread(target=control.serve_forever, daemon=True).start()
broker = subprocess.Popen(
    ["pv-xconnect", "--ctrl", f"{WORK}/pv-ctrl"],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
planted = wait_for(lambda: os.path.exists(f"{first_root}/secret.sock"), 10)
# Stopped, it cannot begin a thread that takes the number, nor ask the pv-ctrl here to.
broker.send_signal(signal.SIGSTOP)
os.waitpid(broker.pid, os.WUNTRACED)
end(first)
second = 0
for _ in range(100):
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(first - 1))
    second = stand_in(second_root)
    if second == first:
        break
    end(second)
broker.send_signal(signal.SIGCONT)
# Two graphs later it has looked at the process that has the number now.
seen = reads
broker.send_signal(signal.SIGHUP)
wait_for(lambda: reads > seen, 10)
broker.send_signal(signal.SIGHUP)
wait_for(lambda: reads > seen + 1, 10)
leaked = wait_for(lambda: os.path.exists(f"{second_root}/secret.sock"), 0.5)
broker.terminate()
broker.wait()
for pid in (second, provider):
    end(pid)
tell({"plantedInFirst": planted, "samePid": second == first, "plantedInSecond": leaked})
