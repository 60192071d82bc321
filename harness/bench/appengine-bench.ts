import { AppengineContainer } from "../appengine/appengine-container.ts";
import type { Appengine } from "../appengine/appengine.ts";
import { CONTROL_SOCKET, STORAGE } from "../appengine/layout.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import type { Engine } from "../engine/engine.ts";
import { defineContainer } from "../exports/container-definition.ts";
import type { Wanted } from "../exports/examples.ts";
import { bootSource } from "../exports/boot-source.ts";
import { resolveImage } from "../image/resolve-image.ts";
import { shellQuote } from "../shell-quote.ts";
import { medianOf } from "./figures.ts";
import { ASKING, measureGuest } from "./guest-bench.ts";

export interface AppengineFigure {
  readonly name: string;
  readonly unit: "s" | "ms" | "µs" | "x";
  /** Upper limit that the reference is meant to stay under. */
  readonly limit: number;
  /** Samples, one per round. */
  readonly samples: readonly number[];
  readonly median: number;
}

export interface AppengineBenchOptions {
  readonly rounds: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

const LIMITS = {
  "READY, 4 containers": ["s", 1],
  "READY, 19 containers": ["s", 3],
  "stop of a container": ["s", 0.5],
  "API p99 under stops and crashes": ["ms", 20],
  "HTTP call of a guest, above LXC": ["µs", 100],
  "start of a guest, to that of Node": ["x", 3],
} as const satisfies Record<string, readonly [AppengineFigure["unit"], number]>;
type FigureName = keyof typeof LIMITS;

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
export async function runAppengineBench(
  options: AppengineBenchOptions,
): Promise<AppengineFigure[]> {
  const { rounds, signal, progress } = options;
  const engine = await findCleanEngine(options);
  const { ref } = await resolveImage(engine, undefined, options);
  const samples = new Map<FigureName, number[]>();
  const add = (name: FigureName, value: number): void => {
    samples.set(name, [...(samples.get(name) ?? []), value]);
  };
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds}`);
    await booted(engine, ref, NINETEEN, signal, (_appengine, ready) => {
      add("READY, 19 containers", ready);
    });
    await booted(engine, ref, FOUR, signal, async (appengine, ready) => {
      add("READY, 4 containers", ready);
      add("stop of a container", await timeStop(appengine, signal));
    });
    await booted(engine, ref, [...FOUR, CRASHING], signal, async (appengine) => {
      add("API p99 under stops and crashes", await latencyUnderLoad(appengine, signal));
    });
    await booted(engine, ref, ASKING, signal, async (appengine) => {
      const { callAbove, startRatio } = await measureGuest(appengine, signal);
      add("HTTP call of a guest, above LXC", callAbove);
      add("start of a guest, to that of Node", startRatio);
    });
  }
  return [...samples].map(([name, values]) => {
    const [unit, limit] = LIMITS[name];
    return { name, unit, limit, samples: values, median: medianOf(values) ?? 0 };
  });
}

/** @param use gets the seconds between the container's start and READY */
async function booted<T>(
  engine: Engine,
  image: string,
  containers: readonly Wanted[],
  signal: AbortSignal,
  use: (appengine: Appengine, ready: number) => T | Promise<T>,
): Promise<T> {
  const source = await bootSource(engine, { image, reference: true }, containers, { signal });
  // A container that ends does not stay at its goal.
  const ends = containers.includes(CRASHING) || containers === ASKING;
  const started = await new AppengineContainer(source.image)
    .withExports(...source.exports)
    .withEngine(engine)
    .start({ signal, until: ends ? "containers" : "ready" });
  try {
    return await use(
      started.appengine,
      await secondsToReady(engine, started.getId(), started.appengine),
    );
  } finally {
    await started.stop();
  }
}

/** Seconds between the start of a reference appengine with these containers and READY. */
export function secondsToBoot(
  engine: Engine,
  image: string,
  containers: readonly Wanted[],
  signal: AbortSignal,
): Promise<number> {
  return booted(engine, image, containers, signal, (_appengine, ready) => ready);
}

/** pantavisor writes its status when it changes: the file's time is when it became READY. */
async function secondsToReady(engine: Engine, id: string, appengine: Appengine): Promise<number> {
  const { State } = await engine.docker.getContainer(id).inspect();
  const file = `${STORAGE}/cache/devmeta/pantavisor.status`;
  const { stdout } = await appengine.sh(`stat -c %.6Y ${file}`);
  return Number(stdout) - Date.parse(State.StartedAt) / 1000;
}

/** From the request to STOPPED in /containers, in seconds. */
async function timeStop({ control }: Appengine, signal: AbortSignal): Promise<number> {
  const [name = ""] = FOUR;
  const begun = performance.now();
  await control.act(name, "stop", signal);
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
