import { mkdirSync, readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PATIENCE, RobustBench, eventually } from "./robust.fixture.ts";

const KILLS = 4;
const LINKS = 100;

describe.skipIf(process.getuid?.() !== 0)("a broker that is killed (needs root)", () => {
  const bench = new RobustBench();

  beforeEach(() => bench.start([]), PATIENCE);
  afterEach(() => bench.stop(), PATIENCE);

  it(
    "leaves nothing behind, wherever in the middle of planting it was",
    async () => {
      const folder = bench.consumer.path("/run/many");
      mkdirSync(folder);
      const links = Array.from({ length: LINKS }, (_, index) => ({
        name: `raw-${index}`,
        type: "unix",
        target: `/run/many/${index}.sock`,
      }));
      for (let kill = 1; kill <= KILLS; kill += 1) {
        bench.graph(links);
        bench.broker.graphChanged();
        await eventually("some sockets", () => readdirSync(folder).length > kill * 10);
        await bench.broker.kill("SIGKILL");
        expect(readdirSync(folder).length).toBeGreaterThan(0);
        bench.graph([]);
        await bench.startBroker();
        await bench.broker.established(1);
        expect(readdirSync(folder)).toEqual([]);
      }
    },
    PATIENCE,
  );
});
