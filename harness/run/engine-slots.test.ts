import { expect, test } from "vitest";
import type { EngineFacts } from "../engine/engine.ts";
import { EngineSlots } from "./engine-slots.ts";

const engine = (host: string): EngineFacts => ({
  host,
  origin: "PVH_ENGINES",
  version: "1",
  apiVersion: "1.41",
  sameMachine: true,
});

test("the next scenario goes to the engine that has fewest", () => {
  const [a, b] = [engine("a"), engine("b")];
  const slots = new EngineSlots([a, b]);
  const taken = [slots.take(), slots.take(), slots.take(), slots.take()];
  expect(taken.map((one) => one?.host)).toEqual(["a", "b", "a", "b"]);
  slots.release(b);
  slots.release(b);
  expect([slots.take(), slots.take()].map((one) => one?.host)).toEqual(["b", "b"]);
});

test("with one engine there is no choice", () => {
  expect(new EngineSlots([engine("a")]).take()).toBeUndefined();
  expect(new EngineSlots([]).take()).toBeUndefined();
});
