import { patientPython } from "../../harness/appengine/python.ts";
import { expect } from "vitest";
import { askBroker } from "../../harness/appengine/ask-broker.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { labelsAt, serveLabels } from "../support/labels.ts";
import { restartBroker, waitForStatus } from "../support/steps.ts";

const args = { PV_RESTART_POLICY: "container" };
const LONG = `/run/${"deep/".repeat(40)}`;
const LONG_SOCKET = `${LONG}${"s".repeat(60)}.sock`;
const LONG_TARGET = `${LONG}${"t".repeat(60)}.sock`;
const NEAR = "/run/pv/services/near.sock";
const READ_ONLY = "/frozen/x.sock";
/** /run of a container is a tmpfs that allows no devices. */
const NODEV = "/run/dri/card0";

const things = defineContainer({
  name: "things",
  args,
  services: [
    { name: "near", type: "unix", socket: "/run/things/near.sock" },
    { name: "far", type: "unix", socket: LONG_SOCKET },
    { name: "card", type: "drm", socket: "/dev/dri/card0" },
    { name: "beam", type: "teleport", socket: "/run/things/beam.sock" },
  ],
});
const user = defineContainer({
  name: "user",
  args: {
    ...args,
    PV_SERVICES_OPTIONAL: [
      { name: "beam", target: "/run/pv/services/beam.sock" },
      { name: "near", target: NEAR },
      { name: "far", target: LONG_TARGET },
    ],
  },
});
const unlucky = defineContainer({
  name: "unlucky",
  args: {
    ...args,
    PV_SERVICES_OPTIONAL: [
      { name: "near", target: READ_ONLY },
      { name: "card", target: NODEV },
    ],
  },
});

scenario(
  "xconnect-injection",
  {
    summary: "targets that are hard to reach or cannot be, and plugins that come when needed",
    containers: [things, user, unlucky],
    // Two links cannot work, as they should not.
    until: "ready",
  },
  ({ check }) => {
    check(
      "xc.plugin-missing",
      "a link of an unknown type is skipped with a clear line, and the others work",
      async ({ appengine, inside, signal }) => {
        await using server = await serveLabels(inside("things"), {
          "/run/things/near.sock": "near",
        });
        await appengine.log.waitFor(/^No plugin found for type teleport/, {
          signal,
          timeout: 8_000,
        });
        const labels = await until(
          "the other link to work",
          async () => {
            const found = await labelsAt(inside("user"), [NEAR]);
            return found[NEAR] === "near" && found;
          },
          { signal, timeout: 8_000 },
        );
        expect(labels).toEqual({ [NEAR]: "near" });
        expect(await inside("user").text("ls /run/pv/services")).toBe("near.sock\n");
        server.say("end");
      },
    );

    check(
      "xc.plugin-on-demand",
      "a plugin is loaded with its first link, and told of each link once",
      async ({ appengine, control, signal, skip }) => {
        const before = await askBroker(appengine, signal);
        if (before === undefined)
          return skip("this broker does not tell which plugins it has loaded");
        // The drm link cannot work, so it has not been added: its plugin has been asked for.
        expect(before.plugins).toEqual({
          unix: { added: 3, removed: 0 },
          drm: { added: 0, removed: 0 },
        });
        expect((await control.act("user", "stop")).status).toBe(200);
        await waitForStatus(control, "user", "STOPPED", signal);
        const after = await until(
          "the links to be gone",
          async () => {
            const status = await askBroker(appengine, signal);
            return status?.links.every(({ consumer }) => consumer !== "user") === true && status;
          },
          { signal, timeout: 8_000 },
        );
        expect(after.plugins["unix"]).toEqual({ added: 3, removed: 2 });
        expect((await control.act("user", "start")).status).toBe(200);
        await waitForStatus(control, "user", "STARTED", signal);
      },
    );

    check(
      "xc.inject.long-path",
      `paths of ${LONG_TARGET.length} bytes work on both sides`,
      async ({ inside, signal }) => {
        await using server = await serveLabels(inside("things"), { [LONG_SOCKET]: "far" });
        await until(
          "the socket to answer",
          async () => (await labelsAt(inside("user"), [LONG_TARGET]))[LONG_TARGET] === "far",
          { signal, timeout: 5_000 },
        );
        server.say("end");
      },
    );

    check(
      "xc.inject.readonly",
      "a target on a read-only or nodev mount is a clear error, by name, and in the diagnosis",
      async ({ appengine, inside, signal }) => {
        await inside("things").text(
          "mkdir -p /dev/dri; rm -f /dev/dri/card0; mknod /dev/dri/card0 c 226 0",
        );
        const mounted = await inside("unlucky").sh(
          "mkdir -p /frozen && mount -t tmpfs -o ro none /frozen",
        );
        expect(mounted).toMatchObject({ exitCode: 0 });
        await restartBroker(appengine, signal);
        const options = { signal, timeout: 8_000 };
        await appengine.log.waitFor(
          /^unlucky\/near: .*\/frozen\/x\.sock.*(EROFS|read-only)/i,
          options,
        );
        await appengine.log.waitFor(
          /^unlucky\/card: .*\/run\/dri\/card0.*mount.*no devices/,
          options,
        );
        const status = await askBroker(appengine, signal);
        const errors = status?.links
          .filter(({ consumer }) => consumer === "unlucky")
          .map(({ name, lastError }) => [name, lastError?.message ?? ""]);
        if (errors !== undefined) {
          expect(Object.fromEntries(errors)).toMatchObject({
            near: expect.stringMatching(/EROFS/) as string,
            card: expect.stringMatching(/no devices/) as string,
          });
        }
      },
    );

    check(
      "xc.pid-reuse",
      "a process that gets a dead consumer's pid gets nothing that was meant for that",
      async ({ appengine }) => {
        const stdout = await appengine.text(
          `unshare --pid --fork --mount-proc python3 - <<'END'\n${patientPython(PID_REUSE)}\nEND`,
          {
            timeout: 25_000,
          },
        );
        expect(JSON.parse(stdout)).toEqual({
          plantedInFirst: true,
          samePid: true,
          plantedInSecond: false,
        });
      },
    );
  },
);

/**
 * Python, in the appengine: a pv-ctrl of its own, a broker for it, and two processes with roots
 * of their own, the second of which gets the first one's pid (ns_last_pid, pid_namespaces(7))
 * while the graph still names the first. It runs in a pid namespace of its own: otherwise another
 * process that the appengine starts at that moment may get the pid.
 */
const PID_REUSE = `
import ctypes, http.server, json, os, signal, socketserver, subprocess, threading, time
work = "/tmp/pid-reuse"
libc = ctypes.CDLL(None)
def folder(name):
    root = work + "/" + name
    os.makedirs(root)
    subprocess.run(["mount", "-t", "tmpfs", "none", root], check=True)
    return root
def stand_in(root):
    ready, said = os.pipe()
    pid = os.fork()
    if pid == 0:
        libc.unshare(0x20000)
        os.chroot(root)
        os.write(said, b".")
        while True: signal.pause()
    os.read(ready, 1)
    return pid
def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
def start_of(pid):
    with open("/proc/%d/stat" % pid) as stat: return int(stat.read().rsplit(")", 1)[1].split()[19])
def wait_for(test, seconds):
    deadline = time.monotonic() + patient(seconds)
    while not test() and time.monotonic() < deadline: time.sleep(0.01)
    return test()
first_root, second_root, provider = folder("first"), folder("second"), stand_in(folder("provider"))
first = stand_in(first_root)
graph = json.dumps([dict(consumer="first", consumer_pid=first, consumer_start=start_of(first),
    provider="provider", provider_pid=provider, provider_start=start_of(provider), name="secret",
    type="unix", role="any", interface=None, target="/secret.sock", socket="/s.sock")]).encode()
reads = 0
class Control(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global reads
        reads += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(graph)))
        self.end_headers()
        self.wfile.write(graph)
    def log_message(self, *_): pass
class Server(socketserver.ThreadingUnixStreamServer): daemon_threads = True
threading.Thread(target=Server(work + "/pv-ctrl", Control).serve_forever, daemon=True).start()
broker = subprocess.Popen(["pv-xconnect", "--ctrl", work + "/pv-ctrl"],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
planted = wait_for(lambda: os.path.exists(first_root + "/secret.sock"), 10)
# Stopped, it cannot begin a thread that takes the number, nor ask the pv-ctrl here to.
broker.send_signal(signal.SIGSTOP)
os.waitpid(broker.pid, os.WUNTRACED)
end(first)
for _ in range(100):
    with open("/proc/sys/kernel/ns_last_pid", "w") as last: last.write(str(first - 1))
    second = stand_in(second_root)
    if second == first: break
    end(second)
broker.send_signal(signal.SIGCONT)
# Two graphs later it has looked at the process that has the number now.
seen = reads
broker.send_signal(signal.SIGHUP)
wait_for(lambda: reads > seen, 10)
broker.send_signal(signal.SIGHUP)
wait_for(lambda: reads > seen + 1, 10)
leaked = wait_for(lambda: os.path.exists(second_root + "/secret.sock"), 0.5)
broker.terminate()
broker.wait()
for pid in (second, provider): end(pid)
print(json.dumps(dict(plantedInFirst=planted, samePid=second == first, plantedInSecond=leaked)))
`;
