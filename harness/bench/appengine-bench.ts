import type { Appengine } from "../appengine/appengine.ts";
import { CONTROL_SOCKET } from "../appengine/layout.ts";
import { defineContainer } from "../exports/container-definition.ts";
import { shellQuote } from "../shell-quote.ts";
import { sampled } from "./sampled-figures.ts";
import type { Limits, SampledFigure, SampledOptions } from "./sampled-figures.ts";

const LIMITS = {
  "READY, 4 containers": ["s", 1],
  "READY, 19 containers": ["s", 3],
  "stop of a container": ["s", 0.5],
  "API p99 under stops and crashes": ["ms", 20],
} as const satisfies Limits;

export const FOUR = [
  "pv-example-unix-server",
  "pv-example-unix-client",
  "pv-example-rest-server",
  "pv-example-rest-client",
];
const CRASHING = defineContainer({
  name: "crashing",
  program: "/usr/bin/false",
  group: "root",
  args: {
    PV_RESTART_POLICY: "container",
    PV_AUTO_RECOVERY: { policy: "always", retry_delay: 1 },
  },
});
const idle = (name: string) => defineContainer({ name, group: "root" });
const NINETEEN = [...FOUR, ...Array.from({ length: 15 }, (_, index) => idle(`idle-${index}`))];

/** How fast the reference appengine boots, stops containers and answers, on this machine now. */
export function runAppengineBench(options: SampledOptions): Promise<SampledFigure[]> {
  const { signal } = options;
  return sampled(LIMITS, options, async (figures, boot) => {
    await boot(NINETEEN, "ready", (_appengine, ready) => {
      figures.add("READY, 19 containers", ready);
    });
    await boot(FOUR, "ready", async (appengine, ready) => {
      figures.add("READY, 4 containers", ready);
      figures.add("stop of a container", await timeStop(appengine, signal));
    });
    // A container that ends does not stay at its goal.
    await boot([...FOUR, CRASHING], "containers", async (appengine) => {
      figures.add("API p99 under stops and crashes", await latencyUnderLoad(appengine, signal));
    });
  });
}

/** From the request to STOPPED in /containers, in seconds. */
async function timeStop({ control }: Appengine, signal: AbortSignal): Promise<number> {
  const [name = ""] = FOUR;
  const begun = performance.now();
  await control.stop(name, signal);
  while ((await control.container(name, signal)).status !== "STOPPED") signal.throwIfAborted();
  return (performance.now() - begun) / 1000;
}

/**
 * A client in the appengine asks for /containers all the time on one connection, while one
 * container crashes each second and others are stopped and started.
 */
async function latencyUnderLoad(appengine: Appengine, signal: AbortSignal): Promise<number> {
  const script = `python3 -c ${shellQuote(LATENCY)}`;
  const { stdout } = await appengine.sh(script, { signal, timeout: 30_000 });
  return Number(stdout);
}

const LATENCY = `
import http.client, json, socket, threading, time
class Control(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("${CONTROL_SOCKET}")
def ask(control, method, path, body=None):
    control.request(method, path, body)
    reply = control.getresponse()
    return reply.read()
end = time.monotonic() + 8
def disturb():
    control = Control("localhost")
    while time.monotonic() < end:
        for name in ${JSON.stringify(FOUR)}:
            for action in ("stop", "start"):
                ask(control, "PUT", "/containers/" + name, json.dumps({"action": action}))
                time.sleep(0.25)
threading.Thread(target=disturb).start()
control, took = Control("localhost"), []
while time.monotonic() < end:
    begun = time.monotonic()
    ask(control, "GET", "/containers")
    took.append(time.monotonic() - begun)
    time.sleep(0.002)
took.sort()
print(took[int(len(took) * 0.99)] * 1000)
`;
