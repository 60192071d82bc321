import { expect } from "../../harness/facts/expect.ts";
import { clock } from "../../harness/clock/clock.ts";
import { consoleLog } from "../../harness/appengine/layout.ts";
import { python, pythonFile } from "../../harness/appengine/python.ts";
import type { PythonValue } from "../../harness/appengine/python.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { appenginePython } from "../support/appengine-python.ts";
import { Program } from "../support/program.ts";

const SERVER = "pv-example-input-server";
const CLIENT = "pv-example-input-client";
const [EV_KEY, EV_REL, EV_ABS, EV_MSC] = [1, 2, 3, 4];
const [KEY_A, KEY_B, BTN_TOUCH] = [30, 48, 0x14a];
const [ABS_MT_POSITION_X, ABS_MT_POSITION_Y, ABS_MT_TRACKING_ID] = [0x35, 0x36, 0x39];

const socketOf = (name: string) => `/run/input/${name}.sock`;
const targetOf = (name: string) => `/run/pv/services/${name}.sock`;
const wants = (name: string, more: object = {}) => ({
  ...{ name, type: "input", target: targetOf(name) },
  ...more,
});

/** Its devices are programs of the checks. */
const provider = defineContainer({
  name: "devices",
  args: { PV_RESTART_POLICY: "container" },
  services: ["mouse", "panel"].map((name) => ({ name, type: "input", socket: socketOf(name) })),
});

const reader = defineContainer({
  name: "reader",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: [
      wants("mouse"),
      wants("panel", {
        events: [{ type: "EV_ABS", codes: [[ABS_MT_POSITION_X, ABS_MT_POSITION_Y]] }],
      }),
    ],
  },
});

const limited = defineContainer({
  name: "limited",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: [
      wants("mouse", { role: "a-only", events: [{ type: "EV_KEY", codes: [KEY_A] }] }),
    ],
  },
});

/** It may read one of the example's devices, beside a container that reads the other. */
const bystander = defineContainer({
  name: "bystander",
  args: { PV_RESTART_POLICY: "container", PV_SERVICES_REQUIRED: [wants("touchscreen")] },
});

scenario(
  "input-stream",
  {
    requires: ["input"],
    summary: "input events reach their readers whole, filtered and in order, and nobody else",
    containers: [SERVER, CLIENT, provider, reader, limited, bystander],
  },
  ({ check }) => {
    check(
      "in.route",
      "100,000 events at 8 kHz arrive in order, none lost or doubled",
      async ({ inside, note }) => {
        // Two movements and a SYN_REPORT each.
        const frames = 33_334;
        await using device = await deviceOf(inside("devices"), "eight_khz.py", "mouse", frames);
        await using consumer = await Program.python(
          inside("reader"),
          python`
            from probes import evdev, tell, unix
            frames = evdev.frames(unix.connect(${targetOf("mouse")}, 20))
            tell(next(frames))
            seen = list(frames)
            wrong = [at for at, events in enumerate(seen) if events != [[2, 0, at], [2, 1, -at]]]
            tell({"count": len(seen), "wrong": wrong[:3]})
          `,
        );
        expect(await consumer.json(), "events before the first one was sent").toEqual([]);
        device.say("go");
        expect(
          await consumer.json(40_000),
          "number of frames that arrived, and those that were wrong",
        ).toEqual({ count: frames, wrong: [] });
        note(`${String(await device.json())} frames a second`);
      },
      { timeout: 60_000 },
    );

    check(
      "in.filter",
      "only allowed types and codes pass, in frames that are never empty",
      async ({ inside }) => {
        await using device = await Program.python(
          inside("devices"),
          python`
            from probes import evdev, unix
            server = unix.listen(${socketOf("mouse")})
            print("listening")
            peer = unix.accept(server, 60)
            for value in (1, 2, 0):
                peer.sendall(evdev.frame((4, 4, 7), (1, ${KEY_A}, value), (2, 0, 5)))
                peer.sendall(evdev.frame((4, 4, 8), (1, ${KEY_B}, value)))
                peer.sendall(evdev.frame())
          `,
        );
        expect(await device.line(), "first line of the device").toBe("listening");
        const seen = await framesOf(inside("limited"), "mouse");
        expect(seen, "frames that arrived").toEqual([
          [],
          ...[1, 2, 0].map((value) => [[EV_KEY, KEY_A, value]]),
        ]);
        for (const type of [EV_REL, EV_ABS, EV_MSC]) {
          expect(
            seen.flat().map(([one]) => one),
            "types of the events that arrived",
          ).not.toContain(type);
        }
      },
    );

    check(
      "in.touch",
      "two fingers stay in their slots, though other events between them are filtered",
      async ({ inside }) => {
        await using device = await deviceOf(inside("devices"), "touches.py", "panel");
        await using consumer = await Program.python(
          inside("reader"),
          python`
            from probes import evdev, tell, unix
            tell(evdev.slots(evdev.frames(unix.connect(${targetOf("panel")}))))
          `,
        );
        expect(await consumer.json(), "slots of the two fingers at the consumer").toEqual({
          0: { [ABS_MT_TRACKING_ID]: 10, [ABS_MT_POSITION_X]: 110 },
          1: { [ABS_MT_TRACKING_ID]: -1, [ABS_MT_POSITION_X]: 210 },
        });
        expect(await device.line(), "last line of the device").toBe("sent");
      },
    );

    check(
      "in.overflow",
      "a reader that stalls gets SYN_DROPPED, then the keys as they are",
      async ({ inside }) => {
        await using device = await deviceOf(inside("devices"), "floods.py", "mouse");
        await using consumer = await Program.python(
          inside("reader"),
          python`
            from probes import evdev, hold, tell, unix
            frames = evdev.frames(unix.connect(${targetOf("mouse")}))
            print(next(frames) + next(frames))
            hold()
            count = next(at for at, events in enumerate(frames) if events == evdev.DROPPED)
            tell({"before": count, "state": next(frames)})
          `,
        );
        expect(await consumer.line(), "first event of the slow reader").toBe(
          `[[${EV_KEY}, ${KEY_A}, 1]]`,
        );
        await using quick = await Program.python(
          inside("limited"),
          python`
            from probes import evdev, unix
            frames = evdev.frames(unix.connect(${targetOf("mouse")}, 20))
            print(next(frames))
            print(next(frames))
          `,
        );
        expect(await quick.line(), "first event of the quick reader").toBe(
          `[[${EV_KEY}, ${KEY_A}, 1]]`,
        );
        device.say("go");
        // The last event has passed the broker: the reader that stalls holds nobody up.
        expect(await quick.line(20_000), "last event of the quick reader").toBe(
          `[[${EV_KEY}, ${KEY_A}, 0]]`,
        );
        consumer.say("go");
        const { before, state } = (await consumer.json()) as { before: number; state: unknown };
        expect(before, "events that the slow reader got before SYN_DROPPED").toBeLessThan(64_000);
        expect(state, "keys after SYN_DROPPED").toEqual([
          [EV_KEY, KEY_A, 0],
          [EV_KEY, KEY_B, 1],
        ]);
      },
      { timeout: 40_000 },
    );

    check(
      "in.unauthorised",
      "a reader of the touch screen never hears the keyboard, and others have no socket",
      async ({ appengine, inside, signal }) => {
        await using other = await Program.python(
          inside("bystander"),
          python`
            import itertools
            from probes import evdev, tell, unix
            frames = evdev.frames(unix.connect(${targetOf("touchscreen")}))
            seen = [event for events in itertools.islice(frames, 12) for event in events]
            tell(sorted({code for kind, code, _ in seen if kind == evdev.EV_KEY}))
          `,
        );
        expect(await other.json(10_000), "codes that the reader of the touch screen got").toEqual([
          BTN_TOUCH,
        ]);
        // Meanwhile the keyboard's reader has got what its manifest asks for.
        const console = await until(
          "the client to print events",
          async () => {
            const lines = await appengine.text(`cat ${consoleLog(CLIENT)}`);
            return lines.includes(`code ${KEY_A} value 0`) && lines;
          },
          { signal, timeout: 8_000 },
        );
        expect(console, "console of the reader of the touch screen").not.toContain(
          `code ${KEY_B} `,
        );
        expect(
          await inside("bystander").text("ls /run/pv/services"),
          "sockets of the reader of the touch screen",
        ).toBe("touchscreen.sock\n");
        expect(
          await inside("devices").text("ls /run/pv/services 2>/dev/null; :"),
          "sockets of a container that requires none",
        ).toBe("");
      },
    );

    check(
      "in.revoke",
      "a reader gets EOF within 50 ms of the broker letting go of the device",
      async ({ appengine, control, inside, note }) => {
        await using device = await deviceOf(inside("devices"), "until_cut.py", "mouse");
        // In the appengine, so that the reader does not end with its container.
        const path = `/proc/${await inside("limited").pid()}/root${targetOf("mouse")}`;
        const read = await appenginePython(
          appengine,
          python`
            import time
            from probes import evdev, tell, unix
            frames = evdev.frames(unix.connect(${path}))
            print(len(next(frames)) and len(next(frames)))
            for _ in frames: pass
            tell(time.monotonic_ns() / 1e6)
          `,
        );
        await using session = await Program.start(appengine, ["sh", "-c", read]);
        await session.line();
        expect(
          (await control.act("limited", "stop")).status,
          "status of the stop of the reader",
        ).toBe(200);
        const [ended, cut] = [await session.json(10_000), await device.json(10_000)].map(Number);
        const late = (ended ?? NaN) - (cut ?? NaN);
        note(`EOF ${late.toFixed(1)} ms after the device's`);
        expect(late, "ms from the broker's release until EOF").toBeLessThan(50 * clock.stretch());
      },
      { timeout: 40_000 },
    );
  },
);

/** Start a program that is a device of the provider, and wait until it listens. */
async function deviceOf(
  container: InsideContainer,
  file: string,
  name: string,
  ...args: readonly PythonValue[]
): Promise<Program> {
  const program = pythonFile(import.meta.dirname, file, socketOf(name), ...args);
  const device = await Program.python(container, program);
  expect(await device.line(), "first line of the device").toBe("listening");
  return device;
}

/** All frames up to EOF, the state first, each a list of [type, code, value]. */
async function framesOf(container: InsideContainer, name: string): Promise<number[][][]> {
  await using reader = await Program.python(
    container,
    python`
      from probes import evdev, tell, unix
      tell(list(evdev.frames(unix.connect(${targetOf(name)}))))
    `,
  );
  return (await reader.json(10_000)) as number[][][];
}
