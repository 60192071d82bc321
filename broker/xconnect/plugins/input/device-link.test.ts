import { execFileSync } from "node:child_process";
import { closeSync, constants, existsSync, mkdirSync, openSync, writeSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { describeDevice, readDevice, readDeviceState } from "../../../shared/linux/evdev.ts";
import { EAGAIN, ENODEV, Scratch } from "../../../shared/linux/stream-io.ts";
import { makeUinputDevice } from "../../../shared/linux/uinput.ts";
import type { UinputDevice } from "../../../shared/linux/uinput.ts";
import { decodeEvents, encodeEvents } from "../../../shared/protocols/input/input-event.ts";
import { BrokerBench } from "../../links/broker.fixture.ts";
import type { ContainerStandIn } from "../../links/container-stand-in.fixture.ts";

const SOURCE = "/dev/input/event0";
const TARGET = "/dev/input/event7";
const [KEY_A, KEY_B, BTN_TOUCH] = [30, 48, 0x14a];
const [SLOT, X, TRACKING_ID, PRESSURE] = [0x2f, 0x35, 0x39, 0x3a];
const axis = (maximum: number) => Buffer.from(Int32Array.of(0, 0, maximum, 0, 0, 0).buffer);
const incoming = new Scratch(24 * 256);

/** A touch panel with keys, of the test's own. */
function makePanel(): UinputDevice {
  return makeUinputDevice({
    ...{ id: Buffer.from([3, 0, 1, 0, 2, 0, 3, 0]), name: "Panel", phys: "test", properties: [1] },
    codes: new Map([
      [1, [KEY_A, KEY_B, BTN_TOUCH]],
      [2, [0, 1]],
      [3, [SLOT, X, TRACKING_ID, PRESSURE]],
    ]),
    axes: new Map([
      [SLOT, axis(3)],
      [X, axis(1_000)],
      [TRACKING_ID, axis(0xffff)],
      [PRESSURE, axis(255)],
    ]),
  });
}

const hasUinput = existsSync("/sys/class/misc/uinput") && process.getuid?.() === 0;
describe.skipIf(!hasUinput)("a link of the form node (needs root and uinput)", () => {
  let bench: BrokerBench;
  let panel: UinputDevice;
  let consumer: ContainerStandIn;
  let provider: ContainerStandIn;
  const opened: number[] = [];

  beforeEach(async () => {
    panel = makePanel();
    bench = new BrokerBench();
    await bench.start();
    [provider, consumer] = [await bench.container(), await bench.container()];
    for (const one of [provider, consumer]) mkdirSync(one.path("/dev/input"));
    const numbers = ["c", String(panel.major), String(panel.minor)];
    execFileSync("mknod", ["-m", "640", provider.path(SOURCE), ...numbers]);
    // As long as a test: a machine that has uinput may be an emulated one.
  }, 60_000);
  afterEach(async () => {
    for (const fd of opened.splice(0)) closeSync(fd);
    await bench.stop();
    panel.close();
  });

  function happen(...events: readonly (readonly [number, number, number])[]): void {
    const frame = [...events, [0, 0, 0] as const];
    writeSync(panel.fd, encodeEvents(frame.map(([type, code, value]) => ({ type, code, value }))));
  }

  function open(path: string): number {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    opened.push(fd);
    return fd;
  }

  async function link(): Promise<void> {
    const entry = {
      ...{ consumer: "app", consumer_pid: consumer.pid, provider: "panel", name: "device" },
      ...{ provider_pid: provider.pid, type: "input", role: "any", socket: SOURCE, target: TARGET },
      ...{ form: "node", grab: true },
      events: [
        [
          { type: "EV_KEY", codes: [KEY_A] },
          { type: "EV_ABS", codes: [X] },
        ],
      ],
    };
    await bench.reconcile([entry], "Link established: app/device");
  }

  /** Events as numbers, or the negative errno. */
  function read(fd: number): number[][] | number {
    const count = readDevice(fd, incoming, incoming.bytes.length);
    if (count < 0) return count;
    const events = decodeEvents(incoming.bytes.subarray(0, count));
    return events.map(({ type, code, value }) => [type, code, value]);
  }

  async function until(fd: number, last: readonly number[]): Promise<number[][]> {
    const seen: number[][] = [];
    await vi.waitUntil(
      () => {
        const events = read(fd);
        if (typeof events !== "number") seen.push(...events);
        return JSON.stringify(seen).includes(JSON.stringify(last));
      },
      { timeout: 10_000, interval: 5 },
    );
    return seen;
  }

  const isDown = (fd: number) =>
    readDeviceState(fd).some(
      ({ type, code, value }) => type === 1 && code === KEY_A && value === 1,
    );

  it("gives the consumer a like device, with what passes and its state", async () => {
    happen([1, KEY_A, 1], [1, KEY_B, 1]);
    await link();
    const fd = open(consumer.path(TARGET));
    expect(describeDevice(fd)).toMatchObject({
      name: "Panel",
      properties: [1],
      codes: new Map([
        [1, [KEY_A, BTN_TOUCH]],
        [3, [SLOT, X, TRACKING_ID]],
      ]),
    });
    await vi.waitUntil(() => isDown(fd), { timeout: 10_000 });
  });

  it("carries what passes, and nobody else hears a grabbed device", async () => {
    await link();
    const fd = open(consumer.path(TARGET));
    const other = open(provider.path(SOURCE));
    happen([1, KEY_A, 1], [2, 0, 5]);
    happen([1, KEY_B, 1]);
    happen([3, SLOT, 1], [3, TRACKING_ID, 7], [3, X, 500], [3, PRESSURE, 9]);
    happen([3, PRESSURE, 8]);
    happen([1, KEY_A, 0]);
    expect(await until(fd, [1, KEY_A, 0])).toEqual([
      ...[
        [1, KEY_A, 1],
        [0, 0, 0],
      ],
      ...[
        [3, SLOT, 1],
        [3, TRACKING_ID, 7],
        [3, X, 500],
        [0, 0, 0],
      ],
      ...[
        [1, KEY_A, 0],
        [0, 0, 0],
      ],
    ]);
    expect(read(other)).toBe(EAGAIN);
  });

  it("has the right state after the kernel has dropped events", async () => {
    await link();
    const fd = open(consumer.path(TARGET));
    happen([1, KEY_A, 1]);
    await until(fd, [1, KEY_A, 1]);
    // The broker runs in this process, so the kernel's buffer for it overflows meanwhile.
    for (let count = 0; count < 6_000; count += 1) happen([2, 0, 1], [1, KEY_B, count % 2]);
    happen([1, KEY_A, 0]);
    await vi.waitUntil(() => !isDown(fd), { timeout: 10_000 });
  });

  it("takes the device back with the link: ENODEV, no node, and the grab is over", async () => {
    await link();
    const fd = open(consumer.path(TARGET));
    const other = open(provider.path(SOURCE));
    await bench.reconcile([], "Removing link: app/device");
    await vi.waitUntil(() => read(fd) === ENODEV, { timeout: 10_000 });
    expect(existsSync(consumer.path(TARGET))).toBe(false);
    happen([1, KEY_B, 1]);
    await until(other, [1, KEY_B, 1]);
  });
});
