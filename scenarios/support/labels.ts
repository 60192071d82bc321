import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { Program } from "./program.ts";

/**
 * Serve unix sockets in a container until the program is disposed or the container ends: each connection gets the socket's
 * label and LF, then what it sends comes back. It makes the directories, and listens when this
 * returns.
 */
export async function serveLabels(
  container: InsideContainer,
  labels: Readonly<Record<string, string>>,
): Promise<Program> {
  const program = await Program.python(
    container,
    `
import os, socket, socketserver, threading, json
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            self.request.sendall(self.server.label.encode() + b"\\n")
            while data := self.request.recv(65536): self.request.sendall(data)
        except OSError: pass
class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128
for path, label in json.loads('${JSON.stringify(labels)}').items():
    # A name in the current directory: whole paths may be longer than sun_path.
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    try: os.unlink(name)
    except FileNotFoundError: pass
    server = Server(name, Echo)
    server.label = label
    threading.Thread(target=server.serve_forever, daemon=True).start()
print("listening")
input()
`,
  );
  await program.line();
  return program;
}

/** Python: `dial(path)` gives a socket; `label(path)` connects, and gives the first line it is sent, or why there is none. */
export const LABEL = `
import os, socket
def dial(path, timeout=patient(3)):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(timeout)
    # By an open inode: whole paths may be longer than sun_path.
    inode = os.open(path, os.O_PATH)
    try: peer.connect("/proc/self/fd/%d" % inode)
    finally: os.close(inode)
    return peer
def label(path, timeout=patient(3)):
    try:
        with dial(path, timeout) as peer:
            with peer.makefile("r") as lines: return lines.readline().strip() or "none: closed"
    except OSError as error: return "none: " + (error.strerror or str(error))
`;

/** The label that answers at each of these paths of a container; "none: …" where none does. */
export async function labelsAt(
  container: InsideContainer,
  paths: readonly string[],
): Promise<Record<string, string>> {
  const stdout = await container.python(
    `${LABEL}
import json
print(json.dumps({path: label(path) for path in json.loads('${JSON.stringify(paths)}')}))`,
    { timeout: 4_000 * paths.length },
  );
  return JSON.parse(stdout) as Record<string, string>;
}
