import { expect, it } from "vitest";
import { accepted } from "./reply.ts";
import { findRoute } from "./route.ts";
import type { Route } from "./route.ts";

const handler = { reply: () => accepted };
const routes: Route[] = [
  { path: "/containers", methods: { GET: handler } },
  { path: "/containers/{name}", methods: { PUT: handler } },
];

it.each([
  ["GET", "/containers", {}],
  ["GET", "/containers?x=1", {}],
  ["GET", "/containers#x", {}],
  ["GET", "http://localhost/containers", {}],
  ["PUT", "/containers/a", { name: "a" }],
  ["PUT", "/containers/a%2Fb", { name: "a/b" }],
  ["PUT", "/containers/a%20b?x=/y", { name: "a b" }],
])("%s %s is found", (method, target, parameters) => {
  expect(findRoute(routes, method, target)).toMatchObject({
    kind: "found",
    handler,
    parameters,
  });
});

it.each(["/", "", "*", "/nosuch", "/containers/", "/containers/a/b", "/containers//", "/%zz"])(
  "%j is unknown",
  (target) => {
    expect(findRoute(routes, "GET", target)).toEqual({ kind: "unknown" });
  },
);

it("a wrong method names the right ones", () => {
  expect(findRoute(routes, "DELETE", "/containers")).toEqual({
    kind: "wrong-method",
    path: "/containers",
    allow: "GET",
  });
  expect(findRoute(routes, "constructor", "/containers").kind).toBe("wrong-method");
});
