import { expect, test } from "vitest";
import { readGraph } from "../../shared/formats/graph.ts";
import { withStateExtensions } from "./state-extensions.ts";

const LINK = {
  consumer: "viewer",
  provider: "web",
  name: "api",
  type: "rest",
  socket: "/run/web.sock",
  target: "/run/a.sock",
};
const RULES = [{ methods: ["GET"] }];
const EXPORT = { name: "api", type: "rest", socket: "/run/web.sock", rules: RULES };

function extended(state: unknown, link: object = LINK) {
  return withStateExtensions(readGraph([link]), state).entries[0];
}

test.each([
  ["an object with a specification", { "#spec": "x", services: [EXPORT] }],
  ["a list", [EXPORT]],
])("a link has the extensions of its export: %s", (_form, services) => {
  const entry = extended({ "web/services.json": services });
  expect(entry).toMatchObject({ ...LINK, rules: [RULES] });
});

test("of two requirements with one name, that of the link's target counts", () => {
  const own = [{ path: "/own" }];
  const required = [
    { name: "api", target: "/run/b.sock", rules: [{ path: "/other" }] },
    { name: "api", target: "/run/a.sock", rules: own },
  ];
  const entry = extended({
    "web/services.json": [EXPORT],
    "viewer/run.json": { services: { required } },
  });
  expect(entry?.rules).toEqual([RULES, own]);
});

test("a socket that is a word of a list is not the export's", () => {
  const state = { "web/services.json": [{ ...EXPORT, fds: ["pipe", "socket"] }] };
  expect(extended(state, { ...LINK, socket: "pipe" })?.socket).toBe("/run/web.sock");
});

test("an interface that is a rule's is not the requirement's", () => {
  const required = [{ name: "api", target: "/run/a.sock", rules: [{ interface: "org.pvh.Fine" }] }];
  const state = { "viewer/run.json": { services: { required } } };
  expect(extended(state, { ...LINK, interface: "org.pvh.Fine" })?.interface).toBeNull();
});

test.each([
  ["no state", undefined],
  ["no object", "state"],
  ["no manifests", { "web/services.json": 7, "viewer/run.json": [] }],
  ["an export that cannot be read", { "web/services.json": [7, { name: "api" }] }],
  ["another export", { "web/services.json": [{ ...EXPORT, name: "other" }] }],
])("a link has none where the state has %s", (_what, state) => {
  expect(extended(state)).toEqual(readGraph([LINK]).entries[0]);
});
