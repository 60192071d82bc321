import { expect, it } from "vitest";
import { haltSignal } from "./halt-signal.ts";

const status = (mask: number) =>
  `Name:\tinit\nSigIgn:\tffffffffffffffff\nSigCgt:\t${mask.toString(16).padStart(16, "0")}\n`;
const bit = (signal: number) => 2 ** (signal - 1);

it.each([
  [bit(30), "SIGPWR"],
  [bit(15), "SIGTERM"],
  [bit(15) + bit(30), "SIGPWR"],
  [bit(2), undefined],
  [0, undefined],
])("an init that catches %i is asked by %s", (mask, signal) => {
  expect(haltSignal(status(mask))).toBe(signal);
});

it("an unreadable status asks for nothing", () => {
  expect(haltSignal("")).toBeUndefined();
});
