import { expect, it } from "vitest";
import { CONTAINER_STATUSES } from "../../shared/formats/control.ts";
import { installed } from "./container-state.ts";
import { CONTAINER_ACTIONS, actionRefusal } from "./action-refusal.ts";
import { containerPlan } from "./revision-simulation.fixture.ts";

it("refuses start and restart of a container that waits for its first start, nothing else", () => {
  const refused = CONTAINER_STATUSES.filter((status) => status !== "NONE").flatMap((status) =>
    CONTAINER_ACTIONS.filter(
      (action) => actionRefusal(containerPlan("c"), { ...installed, status }, action) !== undefined,
    ).map((action) => `${action} ${status}`),
  );
  expect(refused).toEqual([
    "start INSTALLED",
    "restart INSTALLED",
    "start MOUNTED",
    "restart MOUNTED",
    "start BLOCKED",
    "restart BLOCKED",
  ]);
});
