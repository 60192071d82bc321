import { expect, test } from "vitest";
import { listedEngines } from "./listed-engines.ts";

test("engines are listed with commas or blanks between them", () => {
  expect(listedEngines({})).toEqual([]);
  const hosts = listedEngines({ PVH_ENGINES: "unix:///run/a.sock, tcp://b:2375 /run/c.sock," });
  expect(hosts.map(({ host }) => host)).toEqual([
    "unix:///run/a.sock",
    "tcp://b:2375",
    "unix:///run/c.sock",
  ]);
});

test.each([
  ["/run/a.sock unix:///run/a.sock", /PVH_ENGINES names unix:\/\/\/run\/a\.sock twice/],
  ["nonsense", /PVH_ENGINES is "nonsense", which names no engine/],
])("%s is refused", (PVH_ENGINES, says) => {
  expect(() => listedEngines({ PVH_ENGINES })).toThrow(says);
});
