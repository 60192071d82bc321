import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { parseAction } from "./action-body.ts";
import { containerOf } from "../../shared/formats/container-cgroup.ts";
import { hostKindOf } from "./host-header.ts";
import { parseJson } from "./parse-json.ts";
import { findRoute } from "./route.ts";
import type { Route } from "./route.ts";
import { rawReply } from "./unparsable.ts";

const json = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.string({ maxLength: 20 }),
  fc.constantFrom("start", "stop", "go", 1, null).map((action) => JSON.stringify({ action })),
);

it("a body is an action that is known, or an error that says what would be", () => {
  const known = ["start", "stop", "restart"] as const;
  const schema = z.object({ action: z.enum(known) });
  fc.assert(
    fc.property(json, (body) => {
      const parsed = parseAction(body, known);
      // The same, said by zod.
      const same = parseJson(body, schema, "Body");
      const action = "value" in same ? same.value.action : undefined;
      if (action !== undefined) expect(parsed).toEqual({ action });
      else if (!("error" in parsed)) expect.unreachable();
      else expect(parsed.error).toMatch(/^Missing 'action' field$|^Invalid action. Use 'start', /);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

describe("routes", () => {
  const handler = { reply: () => ({ status: 200, contentType: "text/plain" as const, body: "" }) };
  const paths = ["/containers", "/containers/{name}", "/steps/{rev}/progress", "/a/b"];
  const routes: Route[] = paths.map((path) => ({ path, methods: { GET: handler, PUT: handler } }));
  const segment = fc.oneof(
    fc.constantFrom("containers", "steps", "progress", "a", "b", "", "..", "constructor"),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 }),
  );
  const method = fc.constantFrom("GET", "PUT", "POST", "constructor", "__proto__");

  it("take a target by its decoded segments, whatever these hold", () => {
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 4 }), method, (segments, verb) => {
        const target = `/${segments.map(encodeURIComponent).join("/")}`;
        const [path, parameters] = expected(segments);
        for (const form of [target, `http://localhost${target}`, `${target}?a=/b#c`]) {
          const match = findRoute(routes, verb, form);
          if (path === undefined) expect(match).toEqual({ kind: "unknown" });
          else if (verb === "GET" || verb === "PUT") {
            expect(match).toEqual({ kind: "found", path, handler, parameters });
          } else expect(match).toEqual({ kind: "wrong-method", path, allow: "GET, PUT" });
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  function expected([first, second, third, ...more]: readonly string[]): [string?, object?] {
    if (more.length > 0) return [];
    if (first === "steps" && third === "progress" && second !== undefined && second !== "") {
      return ["/steps/{rev}/progress", { rev: second }];
    }
    if (third !== undefined) return [];
    if (first === "a" && second === "b") return ["/a/b", {}];
    if (first !== "containers" || second === "") return [];
    return second === undefined ? ["/containers", {}] : ["/containers/{name}", { name: second }];
  }

  it("never fail, for any target", () => {
    const piece = fc.constantFrom(
      "/",
      "%",
      "%2f",
      "%ff",
      "?",
      "#",
      "http:",
      "//",
      "containers",
      "\0",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const match = findRoute(routes, "GET", pieces.join(""));
        if (match.kind !== "found") return;
        for (const value of Object.values(match.parameters)) expect(value).not.toBe("");
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

it("a host is local only as localhost, once, with any port", () => {
  const host = fc.constantFrom(
    "localhost",
    "LocalHost:80",
    "",
    "evil",
    "localhost.evil",
    "localhost:x",
  );
  const name = fc.constantFrom("Host", "host", "X-Host");
  const target = fc.constantFrom("/", "http://localhost/x", "http://evil/", "HTTP://localhost:1?x");
  fc.assert(
    fc.property(fc.array(fc.tuple(name, host), { maxLength: 3 }), target, (fields, asked) => {
      const hosts = fields
        .filter(([key]) => key.toLowerCase() === "host")
        .map(([, value]) => value);
      const kind = hostKindOf(fields.flat(), asked);
      const isLocal = (text: string) => ["localhost", "LocalHost:80"].includes(text);
      const [only = ""] = hosts;
      if (asked.includes("evil") || hosts.length > 1) expect(kind).toBe("foreign");
      else if (only === "") expect(kind).toBe("missing");
      else expect(kind).toBe(isLocal(only) ? "local" : "foreign");
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

it("the container of a cgroup is that of the first line with a payload, outermost first", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/);
  const prefix = fc.constantFrom("0::", "4:name=pantavisor:", "0::/docker/x", "0::/a:b");
  const form = fc.constantFrom("/lxc.payload.", "/runc.payload.", "/lxc/");
  const below = fc.constantFrom("", "/init.scope", "/lxc.payload.evil", "/a/lxc/evil");
  const other = fc.constantFrom("", "1:cpu:/", "0::/user.slice", "garbage", "5:x:/lxc");
  fc.assert(
    fc.property(fc.array(other), prefix, form, name, below, (before, start, of, inside, end) => {
      const text = [...before, `${start}${of}${inside}${end}`, "0::/lxc/later"].join("\n");
      expect(containerOf(text)).toBe(inside);
      expect(containerOf(before.join("\n"))).toBeUndefined();
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

it("a short reply is as long as it says, in bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (body) => {
      const text = rawReply({ status: 400, contentType: "application/json", body });
      const [head = "", ...rest] = text.split("\r\n\r\n");
      expect(rest.join("\r\n\r\n")).toBe(body);
      const length = /^Content-Length: (\d+)$/m.exec(head)?.[1];
      expect(Number(length)).toBe(Buffer.byteLength(body));
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
