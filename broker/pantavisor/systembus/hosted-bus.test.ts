import { expect, it } from "vitest";
import { toConfig } from "../appengine-config.ts";
import { hostsBus, withHostedBus } from "./hosted-bus.ts";

const KEY = "PV_XCONNECT_DBUS_SYSTEMBUS_ENABLED";

it.each<[string, string, NodeJS.ProcessEnv, boolean]>([
  ["nobody asks for it", "", {}, false],
  ["the environment asks for it", "", { [KEY]: "1" }, true],
  ["the file asks for it", `${KEY}=yes`, {}, true],
  ["the environment says no", `${KEY}=1`, { [KEY]: "0" }, false],
])("a bus is hosted or not when %s", (_, text, environment, isHosted) => {
  const config = toConfig(text, environment);
  expect(hostsBus(config)).toBe(isHosted);
  expect(withHostedBus(config, []).map(({ name }) => name)).toEqual(isHosted ? ["_pv_"] : []);
});
