import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dial } from "./broker.fixture.ts";
import { Heartbeat, PATIENCE, RobustBench, eventually, readUntil } from "./robust.fixture.ts";

/** Print a figure, since the limits alone would not show one that is ten times worse. */
const print = (line: string): void => void process.stderr.write(`${line}\n`);

describe.skipIf(process.getuid?.() !== 0)("how fast the broker reacts (needs root)", () => {
  let bench: RobustBench;
  beforeEach(async () => {
    bench = new RobustBench();
    await bench.start([]);
  });
  afterEach(() => bench.stop());

  it(
    "reconciles 500 links in under 2 s, and takes them back",
    async () => {
      const before = await bench.broker.restingFds();
      const heartbeat = new Heartbeat(bench.target("steady"));
      const links = Array.from({ length: 500 }, (_, n) => ({ name: `link${n}`, type: "unix" }));
      bench.graph(links);
      const began = performance.now();
      bench.broker.graphChanged();
      await bench.broker.established(501);
      const took = performance.now() - began;
      const { fds } = bench.broker;
      bench.graph([]);
      const removing = performance.now();
      bench.broker.graphChanged();
      await eventually("removal", () => bench.broker.count(/^Removing link/gm) === 500);
      print(
        `500 links: ${took.toFixed(0)} ms, ${fds} fds; removed in ${(performance.now() - removing).toFixed(0)} ms`,
      );
      expect(took).toBeLessThan(2_000);
      await heartbeat.stop();
      await bench.broker.backAt(before);
      for (const { name } of links) expect(existsSync(bench.target(name))).toBe(false);
    },
    PATIENCE,
  );

  it(
    "makes a socket usable within 100 ms of both peers running",
    async () => {
      await bench.serve("raw", (socket) => void socket.pipe(socket));
      const took: number[] = [];
      for (let round = 0; round < 11; round += 1) {
        // The provider runs and listens already; the consumer has just come up.
        bench.graph([]);
        bench.consumer = await bench.container();
        const established = bench.broker.count(/^Link established/gm);
        const began = performance.now();
        bench.graph([{ name: "raw", type: "unix" }]);
        bench.broker.graphChanged();
        await eventually("the socket", () => existsSync(bench.target("raw")));
        const socket = await dial(bench.target("raw"));
        socket.write("hello\n");
        expect(await readUntil(socket, /\n/)).toBe("hello\n");
        took.push(performance.now() - began);
        socket.destroy();
        await bench.broker.established(established + 2);
      }
      const sorted = took.toSorted((one, other) => one - other);
      const [median = Infinity, worst = Infinity] = [sorted[5], sorted[10]];
      print(`socket usable after ${median.toFixed(1)} ms (median), ${worst.toFixed(1)} ms (worst)`);
      expect(median).toBeLessThan(100);
    },
    PATIENCE,
  );
});
