import { expect, it } from "vitest";
import { parseAction } from "./action-body.ts";

const known = ["start", "stop", "restart"] as const;

it("reads a known action", () => {
  expect(parseAction('{"action":"stop","x":1}', known)).toEqual({ action: "stop" });
});

it.each(["hello", "{", "[]", '"stop"', "null", "{}", "7"])("%s has no action", (body) => {
  expect(parseAction(body, known)).toEqual({ error: "Missing 'action' field" });
});

it.each(['{"action":"STOP"}', '{"action":1}', '{"action":null}', '{"action":"explode"}'])(
  "%s has an unknown one",
  (body) => {
    expect(parseAction(body, known)).toEqual({
      error: "Invalid action. Use 'start', 'stop', or 'restart'",
    });
  },
);

it("a key that comes twice is named: nobody could say which of them counts", () => {
  expect(parseAction('{"action":"start","action":"stop"}', known)).toEqual({
    error: "action: comes twice, at position 18",
  });
});
