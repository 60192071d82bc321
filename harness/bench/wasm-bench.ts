import { ASKING, WAITING, measureGuest, memoryOfGuests } from "./guest-bench.ts";
import { sampled } from "./sampled-figures.ts";
import type { Limits, SampledFigure, SampledOptions } from "./sampled-figures.ts";

const LIMITS = {
  "HTTP call of a guest, above LXC": ["µs", 100],
  "start of a guest, to that of Node": ["x", 3],
  "memory of 20 guests": ["MiB", 2048],
  "fds that 10,000 calls leave in the broker": ["fds", 0],
  "memory that 10,000 calls leave in it": ["MiB", 8],
} as const satisfies Limits;

/** Cost of WebAssembly guests of the reference appengine, on this machine now. */
export function runWasmBench(options: SampledOptions): Promise<SampledFigure[]> {
  const { signal } = options;
  return sampled(LIMITS, options, async (figures, boot) => {
    await boot(ASKING, "containers", async (appengine) => {
      const guest = await measureGuest(appengine, signal);
      figures.add("HTTP call of a guest, above LXC", guest.callAbove);
      figures.add("start of a guest, to that of Node", guest.startRatio);
      figures.add("fds that 10,000 calls leave in the broker", guest.leftFds);
      figures.add("memory that 10,000 calls leave in it", guest.leftMemory);
    });
    await boot(WAITING, "ready", async (appengine) => {
      figures.add("memory of 20 guests", await memoryOfGuests(appengine, signal));
    });
  });
}
