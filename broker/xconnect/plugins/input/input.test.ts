import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import type { Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  DROPPED_FRAME,
  EVENT_SIZE,
  EV_REL,
  REPORT,
  decodeEvents,
  encodeEvents,
} from "../../../shared/protocols/input/input-event.ts";
import type { InputEvent } from "../../../shared/protocols/input/input-event.ts";
import { BrokerBench, dial } from "../../links/broker.fixture.ts";
import type { ContainerStandIn } from "../../links/container-stand-in.fixture.ts";

const SOCKET = "/run/input/device.sock";
const TARGET = "/run/pv/services/device.sock";
const [KEY_A, KEY_B] = [30, 48];
const key = (code: number, value: number): InputEvent => ({ type: 1, code, value });
const moved = (value: number): InputEvent => ({ type: EV_REL, code: 0, value });
const frame = (...events: InputEvent[]): InputEvent[] => [...events, REPORT];

let bench: BrokerBench | undefined;
afterEach(async () => {
  await bench?.stop();
  bench = undefined;
});

interface Ends {
  readonly bench: BrokerBench;
  readonly provider: ContainerStandIn;
  readonly consumer: ContainerStandIn;
  readonly entry: object;
  /** Connections that the provider has accepted, in order. */
  readonly devices: Socket[];
}

/** A broker with one input link. */
async function linked(extensions: object = {}, quirks = ""): Promise<Ends> {
  bench = new BrokerBench(quirks);
  await bench.start();
  const [provider, consumer] = [await bench.container(), await bench.container()];
  mkdirSync(provider.path("/run/input"));
  const devices: Socket[] = [];
  await bench.serve(provider.path(SOCKET), (socket) => devices.push(socket));
  const entry = {
    ...{ consumer: "app", consumer_pid: consumer.pid, provider: "panel" },
    ...{ provider_pid: provider.pid, name: "device", type: "input", role: "viewer" },
    ...{ target: TARGET, socket: SOCKET, ...extensions },
  };
  await bench.reconcile([entry], "Link established: app/device");
  return { bench, provider, consumer, entry, devices };
}

/** A connection of the consumer, and all events that it has read. */
class Reader {
  readonly socket: Socket;
  readonly events: InputEvent[] = [];
  #rest = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      const bytes = Buffer.concat([this.#rest, chunk]);
      const whole = bytes.length - (bytes.length % EVENT_SIZE);
      this.events.push(...decodeEvents(bytes.subarray(0, whole)));
      this.#rest = bytes.subarray(whole);
    });
  }

  /** Connect and wait for the state, with which a stream begins. */
  static async open({ consumer }: Ends): Promise<Reader> {
    const reader = new Reader(await dial(consumer.path(TARGET)));
    await reader.until((events) => events.length > 0);
    return reader;
  }

  get ended(): Promise<unknown> {
    return this.socket.readableEnded ? Promise.resolve() : once(this.socket, "end");
  }

  /** Wait for events that fit, and the end of their frame; gives all of them. */
  async until(fits: (events: readonly InputEvent[]) => boolean): Promise<InputEvent[]> {
    const isWhole = () => this.#rest.length === 0 && this.events.at(-1)?.type === 0;
    await vi.waitUntil(() => isWhole() && fits(this.events), { timeout: 10_000, interval: 2 });
    return this.events;
  }

  async untilEvent(event: InputEvent): Promise<InputEvent[]> {
    return this.until((events) =>
      events.some((one) => one.code === event.code && one.value === event.value),
    );
  }
}

/** The provider's connection that the broker reads now. */
async function device({ devices }: Ends): Promise<Socket> {
  await vi.waitUntil(() => devices.length > 0, { timeout: 10_000 });
  const socket = devices.at(-1);
  if (socket === undefined) throw new Error("no connection");
  return socket;
}

function counters({ bench: { broker } }: Ends): Record<string, number> {
  return broker.status().links[0]?.counters ?? {};
}

describe("an input link", () => {
  it("carries whole frames in order, however the provider cuts them", async () => {
    const ends = await linked();
    const reader = await Reader.open(ends);
    const sent = Array.from({ length: 500 }, (_, index) => frame(moved(index))).flat();
    const bytes = encodeEvents(sent);
    for (let at = 0; at < bytes.length; at += 1_001) {
      (await device(ends)).write(bytes.subarray(at, at + 1_001));
    }
    const [state, ...seen] = await reader.until((events) => events.length > sent.length);
    expect(state).toEqual(REPORT);
    expect(seen).toEqual(sent);
  });

  it("passes what the rules of both manifests allow to this role", async () => {
    const rules = [
      [
        { type: "EV_KEY", role: "viewer" },
        { type: "EV_REL", role: "admin" },
      ],
      [{ type: "EV_KEY", codes: [KEY_B] }, { type: "EV_REL" }],
    ];
    const ends = await linked({ events: rules });
    const reader = await Reader.open(ends);
    const sent = [frame(key(KEY_A, 1)), frame(moved(7)), frame(key(KEY_A, 0), key(KEY_B, 1))];
    (await device(ends)).write(encodeEvents(sent.flat()));
    expect(await reader.untilEvent(key(KEY_B, 1))).toEqual([REPORT, ...frame(key(KEY_B, 1))]);
  });

  it("reads a device once, and tells a later reader its state", async () => {
    const ends = await linked();
    const first = await Reader.open(ends);
    (await device(ends)).write(encodeEvents([...frame(key(KEY_A, 1)), ...frame(key(KEY_B, 1))]));
    await first.untilEvent(key(KEY_B, 1));
    const second = await Reader.open(ends);
    expect(second.events).toEqual(frame(key(KEY_A, 1), key(KEY_B, 1)));
    expect(ends.devices).toHaveLength(1);
    first.socket.destroy();
    (await device(ends)).write(encodeEvents(frame(key(KEY_A, 0))));
    await second.untilEvent(key(KEY_A, 0));
    const provider = await device(ends);
    const over = once(provider.resume(), "end");
    second.socket.destroy();
    await over;
  });

  it("goes one way: the consumer's writes fail and reach nobody", async () => {
    const ends = await linked();
    const reader = await Reader.open(ends);
    const heard: Buffer[] = [];
    (await device(ends)).on("data", (chunk: Buffer) => heard.push(chunk));
    const failure = once(reader.socket, "error");
    reader.socket.write(encodeEvents(frame(key(KEY_A, 1))));
    expect(await failure).toMatchObject([{ code: "EPIPE" }]);
    expect(heard).toEqual([]);
  });

  it("drops for a reader that does not read, tells it, and brings it up to date", async () => {
    const ends = await linked();
    const [slow, quick] = [await Reader.open(ends), await Reader.open(ends)];
    slow.socket.pause();
    const provider = await device(ends);
    provider.write(encodeEvents(frame(key(KEY_A, 1))));
    // Far more than two socket buffers hold.
    const many = encodeEvents(Array.from({ length: 1_000 }, () => frame(moved(1))).flat());
    for (let count = 0; count < 40; count += 1) provider.write(many);
    provider.write(encodeEvents([...frame(key(KEY_A, 0)), ...frame(key(KEY_B, 1))]));
    await quick.untilEvent(key(KEY_B, 1));
    expect(quick.events.filter(({ type }) => type === EV_REL)).toHaveLength(40_000);
    expect(counters(ends)["overflows"]).toBe(1);

    slow.socket.resume();
    const seen = await slow.untilEvent(key(KEY_B, 1));
    const at = seen.findIndex(({ type, code }) => type === 0 && code === 3);
    expect(at).toBeGreaterThan(2);
    expect(seen.slice(at)).toEqual([...DROPPED_FRAME, ...frame(key(KEY_A, 0), key(KEY_B, 1))]);
    provider.write(encodeEvents(frame(moved(9))));
    await slow.untilEvent(moved(9));
  });

  it("passes on that the provider has lost events, with the state", async () => {
    const ends = await linked();
    const reader = await Reader.open(ends);
    const lost = [...frame(key(KEY_A, 1)), moved(5), ...DROPPED_FRAME];
    (await device(ends)).write(encodeEvents([...lost, ...frame(key(KEY_B, 1))]));
    expect(await reader.untilEvent(key(KEY_B, 1))).toEqual([
      REPORT,
      ...frame(key(KEY_A, 1)),
      ...DROPPED_FRAME,
      ...frame(key(KEY_A, 0), key(KEY_B, 1)),
    ]);
  });

  it("keeps little of a provider that loses events again and again", async () => {
    const ends = await linked();
    const [slow, quick] = [await Reader.open(ends), await Reader.open(ends)];
    slow.socket.pause();
    const provider = await device(ends);
    const down = Array.from({ length: 200 }, (_, code) => key(100 + code, 1));
    // 250 times 5 KB: more than the socket, the broker and the reader's own buffer may hold.
    const again = encodeEvents([...DROPPED_FRAME, ...frame(...down)]);
    for (let count = 0; count < 250; count += 1) provider.write(again);
    provider.write(encodeEvents(frame(key(KEY_B, 1))));
    await quick.untilEvent(key(KEY_B, 1));
    slow.socket.resume();
    await slow.untilEvent(key(KEY_B, 1));
    expect(slow.events.length * EVENT_SIZE).toBeLessThan(600 * 1024);
  });

  it("ends within 50 ms when the link goes, on both sides", async () => {
    const ends = await linked();
    const reader = await Reader.open(ends);
    const over = once((await device(ends)).resume(), "end");
    await ends.bench.reconcile([], "Removing link: app/device");
    const removed = performance.now();
    await reader.ended;
    expect(performance.now() - removed).toBeLessThan(50);
    await over;
  });

  it("ends when the provider ends, and never passes part of a frame", async () => {
    const ends = await linked();
    const reader = await Reader.open(ends);
    const whole = encodeEvents(frame(key(KEY_A, 1)));
    (await device(ends)).end(Buffer.concat([whole, whole.subarray(0, 30)]));
    await reader.ended;
    expect(reader.events).toEqual([REPORT, ...frame(key(KEY_A, 1))]);
    await ends.bench.line(/^app\/device: session ended: the provider ended within a frame$/);
  });

  it("ends with the reason at what is no event, and the next session works", async () => {
    const ends = await linked();
    const reader = await Reader.open(ends);
    (await device(ends)).write(Buffer.alloc(EVENT_SIZE, 0xff));
    await reader.ended;
    await ends.bench.line(/^app\/device: session ended: an event of type 65535 and code 65535/);
    expect(counters(ends)).toMatchObject({ errors: 1, rejections: 1 });
    const next = await Reader.open(ends);
    await vi.waitUntil(() => ends.devices.length === 2, { timeout: 10_000 });
    (await device(ends)).write(encodeEvents(frame(key(KEY_A, 1))));
    await next.untilEvent(key(KEY_A, 1));
  });

  it("is refused at once where the provider has another device at its path", async () => {
    const ends = await linked();
    execFileSync("mknod", [ends.provider.path("/dev/event0"), "c", "1", "3"]);
    const changed = { ...ends.entry, socket: "/dev/event0" };
    for (const entry of [changed, { ...changed, form: "node" }]) {
      await ends.bench.reconcile([], "Removing link: app/device");
      const line = await ends.bench.reconcile([entry], /^app\/device: cannot provide/);
      expect(line).toContain("/dev/event0 of panel: device 1:3 is not an input event device");
    }
  });

  it.each([
    [{ events: [[{ type: "EV_SYN" }]] }, /events/],
    [{ events: [[{ type: "EV_REL", codes: [16] }]] }, /codes.*EV_REL/],
    [{ events: [[{ type: "EV_KEY", codes: [[2, 1]] }]] }, /codes/],
    [{ form: "device" }, /form/],
    [{ grab: "yes" }, /grab/],
  ])("is refused by key with %j", async (extensions, reason) => {
    const ends = await linked();
    const line = await ends.bench.reconcile(
      [{ ...ends.entry, ...extensions }],
      /^app\/device: cannot provide/,
    );
    expect(line).toMatch(reason);
  });
});
