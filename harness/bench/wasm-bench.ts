import { findCleanEngine } from "../engine/leftovers.ts";
import { resolveImage } from "../image/resolve-image.ts";
import { booted } from "./booted.ts";
import { ASKING, WAITING, measureGuest, memoryOfGuests } from "./guest-bench.ts";
import { SampledFigures } from "./sampled-figures.ts";
import type { Limits, SampledFigure, SampledOptions } from "./sampled-figures.ts";

const LIMITS = {
  "HTTP call of a guest, above LXC": ["µs", 100],
  "start of a guest, to that of Node": ["x", 3],
  "memory of 20 guests": ["MiB", 2048],
  "fds that 10,000 calls leave in the broker": ["fds", 0],
  "memory that 10,000 calls leave in it": ["MiB", 8],
} as const satisfies Limits;

/** What WebAssembly guests of the reference appengine cost, on this machine now. */
export async function runWasmBench(options: SampledOptions): Promise<SampledFigure[]> {
  const { rounds, signal, progress } = options;
  const engine = await findCleanEngine(options);
  const { ref } = await resolveImage(engine, undefined, options);
  const figures = new SampledFigures(LIMITS);
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds}`);
    await booted(engine, ref, ASKING, { signal, until: "containers" }, async (appengine) => {
      const guest = await measureGuest(appengine, signal);
      figures.add("HTTP call of a guest, above LXC", guest.callAbove);
      figures.add("start of a guest, to that of Node", guest.startRatio);
      figures.add("fds that 10,000 calls leave in the broker", guest.leftFds);
      figures.add("memory that 10,000 calls leave in it", guest.leftMemory);
    });
    await booted(engine, ref, WAITING, { signal }, async (appengine) => {
      figures.add("memory of 20 guests", await memoryOfGuests(appengine, signal));
    });
  }
  return figures.all();
}
