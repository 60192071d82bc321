import { expect, test } from "vitest";
import { INTERFACES, kindOf, knownVersion, messagesOf } from "./interfaces.ts";
import { MAX_FDS_PER_SEND } from "./limits.ts";

const all = [...INTERFACES].flatMap((name) => messagesOf(name));

test("each interface that a message makes an object of is known", () => {
  const made = all.flatMap(({ creates }) => creates ?? []);
  expect(made.filter((name) => !INTERFACES.has(name))).toEqual([]);
});

test("only the registry lets the peer choose the interface of a new object", () => {
  const free = all.filter(({ newId, creates }) => newId !== -1 && creates === undefined);
  expect(free.map(({ name }) => name)).toEqual(["wl_registry.bind"]);
});

test("no message carries more fds than libwayland receives at once", () => {
  expect(Math.max(...all.map(({ fds }) => fds))).toBeLessThanOrEqual(MAX_FDS_PER_SEND);
});

test("the registry, its objects and wl_display have no destructor", () => {
  const core = all.filter(({ name }) => /^wl_(display|registry)\./.test(name));
  expect(core.some(({ isDestructor }) => isDestructor)).toBe(false);
});

test("an object has the messages of its version, under their opcodes", () => {
  const nameOf = (version: number, opcode: number) =>
    kindOf("wl_surface", version).requests[opcode]?.name;
  expect([nameOf(1, 0), nameOf(1, 7), nameOf(2, 7)]).toEqual([
    "wl_surface.destroy",
    undefined,
    "wl_surface.set_buffer_transform",
  ]);
  expect(kindOf("wl_surface", 4)).toBe(kindOf("wl_surface", 4));
  expect(knownVersion("wl_surface")).toBeGreaterThanOrEqual(5);
  expect(knownVersion("zwlr_layer_shell_v1")).toBe(0);
});

test("a zombie takes no request, and still has the events of its version", () => {
  const { zombie, events } = kindOf("wl_keyboard", 7);
  expect(zombie).toMatchObject({ requests: [], events, isZombie: true });
  expect(zombie.zombie).toBe(zombie);
});

test("signatures are prepared with their sizes, fds and nulls", () => {
  const find = (wanted: string) => all.find(({ name }) => name === wanted);
  expect(find("wl_surface.damage")).toMatchObject({ size: 24, isPlain: true, fds: 0 });
  expect(find("wl_surface.attach")).toMatchObject({ args: "Oii", size: 20, isPlain: true });
  expect(find("wl_shm.create_pool")).toMatchObject({ args: "nhi", size: 16, fds: 1, newId: 0 });
  expect(find("wl_registry.bind")).toMatchObject({ args: "usun", size: -1, newId: 3 });
  expect(find("wl_callback.done")).toMatchObject({ isDestructor: true });
});
