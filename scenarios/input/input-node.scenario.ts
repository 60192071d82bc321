import { expect } from "../../harness/facts/expect.ts";
import { python, pythonFile } from "../../harness/appengine/python.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { appenginePython } from "../support/appengine-python.ts";
import { Program } from "../support/program.ts";
import { restartBroker } from "../support/steps.ts";

const NODE = "/dev/input/event0";
const [EV_KEY, KEY_A] = [1, 30];

const provider = defineContainer({
  name: "seat",
  args: { PV_RESTART_POLICY: "container" },
  services: [{ name: "keys", type: "input", socket: NODE, grab: true }],
});

const consumer = defineContainer({
  name: "game",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_OPTIONAL: [
      {
        ...{ name: "keys", type: "input", target: NODE, form: "node" },
        events: [{ type: "EV_KEY", codes: [KEY_A] }],
      },
    ],
  },
});

scenario(
  "input-node",
  {
    summary: "a consumer has an input device of its own, with the events that it may have",
    containers: [provider, consumer],
    requires: ["input", "uinput"],
    // The provider's node is made by the check.
    until: "ready",
  },
  ({ check }) => {
    check(
      "in.node",
      "of the two keys of the provider's keyboard, the consumer's has one",
      async ({ appengine, inside, signal }) => {
        const keyboard = pythonFile(import.meta.dirname, "virtual_keyboard.py");
        const start = await appenginePython(appengine, keyboard);
        await using device = await Program.start(appengine, ["sh", "-c", start]);
        const minor = Number(await device.json());
        await inside("seat").text(`mkdir -p /dev/input; mknod ${NODE} c 13 ${minor}`);
        await restartBroker(appengine, signal);
        await until(
          "the consumer's node",
          async () => (await inside("game").sh(`test -c ${NODE}`)).exitCode === 0,
          { signal, timeout: 8_000 },
        );
        await using game = await Program.python(
          inside("game"),
          python`
            import os, struct
            from probes import tell
            node = os.open(${NODE}, os.O_RDONLY)
            print("open")
            events = []
            while len(events) < 4:
                events += [e[2:] for e in struct.iter_unpack("@llHHi", os.read(node, 4096))]
            tell(events)
          `,
        );
        expect(await game.line(), "first line of the reader").toBe("open");
        device.say("press");
        expect(await game.json(), "events that the reader got").toEqual([
          [EV_KEY, KEY_A, 1],
          [0, 0, 0],
          [EV_KEY, KEY_A, 0],
          [0, 0, 0],
        ]);
      },
    );
  },
);
