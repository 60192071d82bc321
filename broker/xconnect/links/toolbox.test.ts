import { expect, test } from "vitest";
import { none } from "../../shared/quirks/quirks.ts";
import type { Link } from "../plugins/plugin.ts";
import { BrokerToolbox } from "./toolbox.ts";

const link: Link = {
  consumer: "c",
  provider: "p",
  name: "s",
  type: "rest",
  role: "any",
  target: "/run/s",
  socket: "/run/s",
  entry: {
    type: "rest",
    name: "s",
    consumer: "c",
    role: "any",
    provider: "p",
    consumer_pid: 1,
    provider_pid: 1,
    interface: "",
    socket: "/run/s",
    target: "/run/s",
  },
  consumerPid: 1,
  providerPid: 1,
};

function toolbox(tellDecisions: boolean): { tools: BrokerToolbox; lines: string[] } {
  const lines: string[] = [];
  const output = { log: () => undefined, warn: (line: string) => lines.push(line), flush() {} };
  return {
    tools: new BrokerToolbox({ quirks: none, output, tellDecisions, replaceLive: false }),
    lines,
  };
}

test("a decision names its link, and a long one is cut", () => {
  const { tools, lines } = toolbox(true);
  tools.decision?.(link, "pass: GET /");
  tools.decision?.(link, `pass: GET /${"x".repeat(60_000)}`);
  expect(lines[0]).toBe("pvx-rest: Decision c/s: pass: GET /");
  expect(lines[1]).toMatch(/^pvx-rest: Decision c\/s: pass: GET \/x+…$/);
  expect(lines[1]).toHaveLength(500);
});

test("no decision is written unless it is asked for", () => {
  expect(toolbox(false).tools.decision).toBeUndefined();
});
