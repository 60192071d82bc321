import { join } from "node:path";
import type { Appengine } from "../appengine/appengine.ts";
import { CONTROL_SOCKET, LOG_ROOT } from "../appengine/layout.ts";
import type { PythonProgram } from "../appengine/python.ts";
import { python } from "../appengine/python.ts";
import { defineContainer } from "../exports/container-definition.ts";
import { PROJECT } from "../image/sources.ts";
import { shellQuote } from "../shell-quote.ts";
import { until } from "../until.ts";
import { medianOf } from "./figures.ts";

const CALLS = 3400;
const MODULE = join(PROJECT, "scenarios/wasm/guests/probe.wasm");
const SERVICE = "network-manager";
const TARGET = `/run/pv/services/${SERVICE}.sock`;
const rest = { name: SERVICE, type: "rest", role: "viewer", target: TARGET };
const other = (type: string) => ({ name: type, type, target: `/run/${type}.sock` });

/** Both ask the same provider over links of their own, one request after the other. */
const LXC = defineContainer({ name: "lxc-asks", args: { PV_SERVICES_REQUIRED: [rest] } });
const GUEST = defineContainer({
  name: "guest-asks",
  module: MODULE,
  args: {
    PV_RESTART_POLICY: "container",
    PV_AUTO_RECOVERY: { policy: "no" },
    PV_SERVICES_REQUIRED: [rest],
    PV_SERVICES_OPTIONAL: [other("dbus"), other("unix")],
    PV_WASM: { args: ["bench", SERVICE, "/info", String(CALLS)] },
  },
});
export const ASKING = ["pv-example-rest-server", LXC, GUEST];

/** Turns of CALLS calls from each side; those behind the first are 10,000. */
const TURNS = 4;

export interface GuestFigures {
  /** Microseconds that an HTTP call takes a guest more than an LXC consumer; medians. */
  readonly callAbove: number;
  /** Start of a guest, from the request to STARTED, as a multiple of a bare start of Node. */
  readonly startRatio: number;
  /** Fds and MiB that the broker holds more after these calls. */
  readonly leftFds: number;
  readonly leftMemory: number;
}

/**
 * Calls of a guest and of an LXC consumer, in turns, so that a machine that gets slower does so for
 * both.
 */
export async function measureGuest(
  appengine: Appengine,
  signal: AbortSignal,
): Promise<GuestFigures> {
  const above: number[] = [];
  const starts: number[] = [];
  const bareStarts: number[] = [];
  const held: Held[] = [];
  // A container may be STARTED before the broker has planted its socket.
  const planted = async () => {
    const { exitCode } = await appengine.inside(LXC.name).sh(`test -S ${TARGET}`, { signal });
    return exitCode === 0;
  };
  await until(`${TARGET} in ${LXC.name}`, planted, { signal, timeout: 10_000 });
  for (let turn = 0; turn < TURNS; turn += 1) {
    const fromLxc = Number(
      await appengine.inside(LXC.name).python(LXC_CALLS, { signal, timeout: 60_000 }),
    );
    const script = `python3 -c ${shellQuote(RUN_GUEST)}`;
    const stdout = await appengine.text(script, { signal, timeout: 90_000 });
    const [start, bareStart, fromGuest] = JSON.parse(stdout) as [number, number, number];
    above.push(fromGuest - fromLxc);
    starts.push(start);
    bareStarts.push(bareStart);
    held.push(await heldByBroker(appengine, signal));
  }
  const [first, last] = [held[0], held.at(-1)];
  return {
    callAbove: medianOf(above) ?? NaN,
    // The least of each: a busy machine only makes a start longer.
    startRatio: Math.min(...starts) / Math.min(...bareStarts),
    leftFds: (last?.fds ?? NaN) - (first?.fds ?? NaN),
    leftMemory: (last?.memory ?? NaN) - (first?.memory ?? NaN),
  };
}

/** Guests that only wait, and the MiB that they and their monitors take together. */
export const WAITING = Array.from({ length: 20 }, (_, index) =>
  defineContainer({
    name: `guest-${index}`,
    module: MODULE,
    args: {
      PV_SERVICES_OPTIONAL: [other("rest"), other("dbus"), other("unix")],
      PV_WASM: { args: ["sleep", "3600"] },
    },
  }),
);

export async function memoryOfGuests(appengine: Appengine, signal: AbortSignal): Promise<number> {
  // Pss shares out what several processes have mapped, such as the program of Node.
  const sum = await appengine.text(
    `for process in /proc/[0-9]*; do
       case $(tr '\\0' ' ' <$process/cmdline 2>/dev/null) in
         pv-wasm*|runc*) grep -h ^Pss: $process/smaps_rollup ;;
       esac
     done | awk '{ sum += $2 } END { print sum }'`,
    { signal },
  );
  return Number(sum) / 1024;
}

interface Held {
  readonly fds: number;
  /** MiB */
  readonly memory: number;
}

/** The least of some moments: a link that has just ended, or a look at the graph, still holds fds. */
async function heldByBroker(appengine: Appengine, signal: AbortSignal): Promise<Held> {
  const script = `python3 -c ${shellQuote(HELD)}`;
  const stdout = await appengine.text(script, { signal, timeout: 30_000 });
  const [fds, memory] = JSON.parse(stdout) as [number, number];
  return { fds, memory: memory / 1024 };
}

const HELD = `
import glob, json, os, re, time
def title(path):
    try: return open(path + "/cmdline").read()
    except OSError: return ""
broker = next(path for path in glob.glob("/proc/[0-9]*") if title(path).startswith("pv-xconnect"))
fds = []
for _ in range(10):
    fds.append(len(os.listdir(broker + "/fd")))
    time.sleep(0.1)
memory = re.search(r"VmRSS:\\s+(\\d+)", open(broker + "/status").read())[1]
print(json.dumps([min(fds), int(memory)]))
`;

/** The least that a consumer can do: one write and one read for each call. */
const LXC_CALLS: PythonProgram = python`
  import time
  from probes import unix
  peer, took = unix.connect(${TARGET}), []
  request = b"GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"
  for _ in range(${CALLS}):
      begun = time.monotonic()
      peer.sendall(request); reply = peer.recv(65536)
      while not reply.endswith(b"}"): reply += peer.recv(65536)
      took.append(time.monotonic() - begun)
  print(sorted(took)[len(took) // 2] * 1e6)
`;

const RUN_GUEST = `
import http.client, json, re, socket, subprocess, time
class Control(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("${CONTROL_SOCKET}")
control = Control("localhost")
def ask(method, path, body=None):
    control.request(method, path, body)
    return control.getresponse().read()
def status():
    all = json.loads(ask("GET", "/containers"))
    return next(one["status"] for one in all if one["name"] == "${GUEST.name}")
def wait(*wanted):
    while status() not in wanted: time.sleep(0.004)
wait("STOPPED")
begun = time.monotonic()
subprocess.run(["/usr/lib/pvh/node", "-e", "0"], check=True)
bare = time.monotonic() - begun
begun = time.monotonic()
ask("PUT", "/containers/${GUEST.name}", json.dumps({"action": "start"}))
wait("STARTED", "STOPPED")
took = time.monotonic() - begun
wait("STOPPED")
log = open("${LOG_ROOT}/0/${GUEST.name}/wasm/console.log").read()
print(json.dumps([took, bare, int(re.findall("failed 0 median (\\\\d+) us", log)[-1])]))
`;
