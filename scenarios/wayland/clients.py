"""Stock clients of a compositor, all at once: what each of them came to."""

import os
import re
import signal
import subprocess
import tempfile

from probes import arguments, tell, wait_for

path, commands = arguments()
if not os.path.exists("/dev/shm"):
    os.symlink("/tmp", "/dev/shm")
folder, display = os.path.split(path)
ENVIRONMENT = {
    "HOME": "/tmp",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/bin:/usr/libexec/xkbcommon",
    "WAYLAND_DEBUG": "client",
    "WAYLAND_DISPLAY": display,
    "XDG_RUNTIME_DIR": folder,
}
# Libwayland's trace of a buffer that is put on a surface, and of its commit.
DRAWN = re.compile(r"-> wl_surface@(\d+)\.attach\(wl_buffer@.*?-> wl_surface@\1\.commit\(", re.S)
ERROR = re.compile(r"wl_display@1\.error\((.*)\)")
# Frames of the clients that go on drawing, after which those that have drawn once count as well.
FRAMES = 60


class Client:
    def __init__(self, command):
        self.command = command
        # Libwayland's trace goes to stderr in pieces: a word of another process could stand between them.
        self.said = tempfile.NamedTemporaryFile("w+", errors="replace")
        self.trace = tempfile.NamedTemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(
            ["sh", "-c", command],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=self.said,
            stderr=self.trace,
            start_new_session=True,
        )

    def text(self):
        return read(self.trace)

    def is_done(self):
        return self.process.poll() is not None or DRAWN.search(self.text()) is not None

    def outcome(self):
        text = self.text()
        error = ERROR.search(text)
        if error:
            return "error " + error[1]
        if self.process.poll() is None:
            return "draws" if DRAWN.search(text) else "draws nothing"
        lines = f"{text}\n{read(self.said)}".splitlines()
        said = [line for line in lines if line and not line.startswith("[")]
        return f"exit {self.process.returncode}: {said[-1] if said else ''}"


def read(file):
    with open(file.name, errors="replace") as opened:
        return opened.read()


def frames():
    return sum(client.text().count(".done(") for client in clients)


clients = [Client(command) for command in commands]
wait_for(lambda: all(client.is_done() for client in clients), 20)
before = frames()
wait_for(lambda: frames() >= before + FRAMES, 5)
tell({client.command: client.outcome() for client in clients})
for client in clients:
    if client.process.poll() is None:
        os.killpg(client.process.pid, signal.SIGKILL)
