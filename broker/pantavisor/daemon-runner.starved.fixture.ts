import { closeSync, openSync } from "node:fs";
import { systemClock } from "./lifecycle/clock.ts";
import { none } from "../shared/quirks/quirks.ts";
import { makeDaemon } from "./daemon-runner.ts";

/** Runs a daemon while no fd is free, then frees them: prints `running` when it has come up. */
const held: number[] = [];
try {
  for (;;) held.push(openSync("/dev/null", "r"));
} catch {
  // Every descriptor is taken now.
}
const daemon = makeDaemon({
  name: "d",
  command: ["/bin/sh", "-c", "echo up; exec sleep 60"],
  log: {
    write(level, module) {
      if (level === "ERROR") for (const fd of held.splice(0)) closeSync(fd);
      if (module !== "d-out") return;
      process.stdout.write("running\n");
      daemon.stop();
    },
    effect: () => undefined,
    moveTo: () => undefined,
    [Symbol.dispose]: () => undefined,
  },
  clock: systemClock(),
  quirks: none,
});
daemon.begin();
