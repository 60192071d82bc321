import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";

const NODE = "/dev/input/event1";
const MAIN = join(import.meta.dirname, "node-origin.main.fixture.ts");
const [KEY_A, KEY_B, KEY_LAST, BTN_TOUCH] = [30, 48, 87, 0x14a];
const [SLOT, X, TRACKING_ID] = [0x2f, 0x35, 0x39];

const directory = mkdtempSync(join(tmpdir(), "pvh-evdev-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A touch panel with a key, as umockdev-record would describe it. */
const DEVICE = `P: /devices/virtual/input/input1/event1
N: input/event1
E: DEVNAME=${NODE}
E: MAJOR=13
E: MINOR=65
E: SUBSYSTEM=input
A: dev=13:65
`;

/** Its answers: umockdev wants each in the size that is asked for. */
const IOCTLS = [
  `@DEV ${NODE}`,
  `EVIOCGID 0 0300010002000300`,
  `EVIOCGNAME(0) 256 ${hex(Buffer.from("Panel"), 256)}`,
  `EVIOCGPROP(0) 96 ${bits([1])}`,
  `EVIOCGBIT(0) 96 ${bits([0, 1, 3])}`,
  `EVIOCGBIT(1) 96 ${bits([KEY_A, KEY_B, KEY_LAST, BTN_TOUCH])}`,
  `EVIOCGBIT(3) 96 ${bits([SLOT, X, TRACKING_ID])}`,
  `EVIOCGKEY(0) 96 ${bits([KEY_A])}`,
  `EVIOCGABS(${SLOT}) 0 ${words([1, 0, 1, 0, 0, 0])}`,
  `EVIOCGABS(${X}) 0 ${words([0, 0, 1000, 0, 0, 0])}`,
  `EVIOCGABS(${TRACKING_ID}) 0 ${words([0, 0, 65_535, 0, 0, 0])}`,
  `EVIOCGMTSLOTS(0) 0 ${words([X, 30, 40], 1028)}`,
  `EVIOCGMTSLOTS(0) 0 ${words([TRACKING_ID, 7, -1], 1028)}`,
].join("\n");
const STATE = [
  [1, KEY_A, 1],
  [3, SLOT, 0],
  [3, X, 30],
  [3, TRACKING_ID, 7],
  [3, SLOT, 1],
  [3, X, 40],
  [3, TRACKING_ID, -1],
  [3, SLOT, 1],
  [0, 0, 0],
];

/** Calls that a reader with these rules gets while the device sends these events. */
async function read(rules: object[], events: readonly (readonly number[])[]): Promise<unknown[]> {
  const paths = { device: DEVICE, ioctl: IOCTLS, events: events.map(evemuLine).join("") };
  for (const [name, content] of Object.entries(paths))
    writeFileSync(join(directory, name), content);
  const { stdout } = await promisify(execFile)(
    "umockdev-run",
    [
      ...["-d", join(directory, "device"), "-i", `${NODE}=${join(directory, "ioctl")}`],
      ...["-e", `${NODE}=${join(directory, "events")}`, "--", process.execPath, MAIN],
      ...[NODE, JSON.stringify(rules), String(KEY_LAST)],
    ],
    { timeout: 30_000 },
  );
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

describe.skipIf(!existsSync("/usr/bin/umockdev-run"))("an event node (needs umockdev)", () => {
  const last = [
    [1, KEY_LAST, 1],
    [0, 0, 0],
  ];

  test("tells its state, then its events in order, filtered", async () => {
    const frames = Array.from({ length: 50 }, (_, value) => [
      [3, X, value],
      [1, KEY_B, value % 2],
      [0, 0, 0],
    ]);
    const lines = await read([{ type: "EV_KEY" }], [...frames.flat(), ...last]);
    expect(lines[0]).toEqual(["begin", ...STATE]);
    const taken = lines.slice(1).flatMap((line) => (line as unknown[]).slice(1));
    const keys = Array.from({ length: 50 }, (_, value) => [
      [1, KEY_B, value % 2],
      [0, 0, 0],
    ]);
    expect(taken).toEqual([...keys.flat(), ...last]);
  });

  test("asks for the state when the kernel has dropped events", async () => {
    const lost = [
      [1, KEY_B, 1],
      [0, 3, 0],
      [0, 0, 0],
    ];
    expect(await read([{ type: "EV_KEY" }], lost)).toEqual([
      ["begin", ...STATE],
      ["resynchronise", ...STATE],
    ]);
  });
});

/** A line of evemu's format: 20 ms apart, so that each event is a read of its own. */
function evemuLine([type = 0, code = 0, value = 0]: readonly number[], index: number): string {
  const time = `1.${String(index * 20_000).padStart(6, "0")}`;
  const digits = (number: number) => number.toString(16).padStart(4, "0");
  return `E: ${time} ${digits(type)} ${digits(code)} ${value}\n`;
}

function hex(bytes: Buffer, size: number): string {
  return bytes
    .toString("hex")
    .padEnd(2 * size, "0")
    .toUpperCase();
}

function bits(codes: readonly number[]): string {
  const bytes = Buffer.alloc(96);
  for (const code of codes) bytes[code >> 3] = (bytes[code >> 3] ?? 0) | (1 << (code & 7));
  return hex(bytes, 96);
}

function words(values: readonly number[], size = values.length * 4): string {
  return hex(Buffer.from(Int32Array.from(values).buffer), size);
}
