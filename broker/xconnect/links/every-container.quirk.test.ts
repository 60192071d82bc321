import { expect, it } from "vitest";
import { parseGraph } from "../../shared/formats/graph.ts";
import { everyContainer } from "./every-container.quirk.ts";

it("gives every container each service that it does not have yet", () => {
  const graph = parseGraph([
    { consumer: "a", consumer_pid: 1, name: "x", type: "unix", socket: "/x", target: "/run/x" },
    { consumer: "b", consumer_pid: 2, name: "x", type: "unix", socket: "/x", target: "/run/x" },
    { consumer: "b", consumer_pid: 2, name: "y", type: "unix", socket: "/y", target: "/run/y" },
  ]);
  const added = everyContainer(graph, [1, 2, 3]).slice(graph.length);
  expect(added.map(({ consumer, consumer_pid, name }) => [consumer, consumer_pid, name])).toEqual([
    ["a", 1, "y"],
    ["pid-3", 3, "x"],
    ["pid-3", 3, "y"],
  ]);
});
