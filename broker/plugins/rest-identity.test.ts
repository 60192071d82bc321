import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requestFraming } from "../protocols/http1/framing.ts";
import { none, parseQuirks } from "../quirks/quirks.ts";
import { headForProvider } from "./rest-identity.ts";

const identity = { client: "c1", role: "admin" };
const ours = ["X-PV-Client: c1", "X-PV-Role: admin"];

function rewritten(fields: readonly string[], quirks = none, index = 0): string[] {
  const head = {
    method: "POST",
    target: "/",
    version: "1.1" as const,
    fields: fields.map((line) => {
      const [name = "", value = ""] = line.split(": ");
      return { name, value };
    }),
  };
  return headForProvider(head, requestFraming(head), identity, index, quirks).fields.map(
    ({ name, value }) => `${name}: ${value}`,
  );
}

test("other fields pass in order, with their case, the identity behind them", () => {
  expect(rewritten(["Host: x", "aCCept: */*", "Cookie: a"])).toEqual([
    "Host: x",
    "aCCept: */*",
    "Cookie: a",
    ...ours,
  ]);
});

test.each([
  "X-PV-Role",
  "x-pv-client",
  "X-Pv-RoLe",
  "X_PV_Role",
  "X-PV_Client",
  "X.PV.Role",
  "X-PV-Anything",
])("the consumer's own %s does not pass", (name) => {
  expect(rewritten([`${name}: root`, `${name}: root`])).toEqual(ours);
});

test("no spelling that CGI folds into X-PV passes", () => {
  const separator = fc.stringMatching(/^[-_.!#$%&'*+^`|~]$/);
  const spelling = fc.tuple(
    fc.mixedCase(fc.constant("x")),
    separator,
    fc.mixedCase(fc.constant("pv")),
    separator,
    fc.mixedCase(fc.constant("role")),
  );
  fc.assert(
    fc.property(spelling, (parts) => {
      expect(rewritten([`${parts.join("")}: root`])).toEqual(ours);
    }),
  );
});

describe("hop-by-hop fields end at the broker", () => {
  test("Connection cannot make the provider drop the identity", () => {
    expect(rewritten(["Connection: X-PV-Role, x-pv-client, keep-alive"])).toEqual([
      "Connection: keep-alive",
      ...ours,
    ]);
  });

  test("nor the framing, nor the host", () => {
    expect(
      rewritten(["Connection: Content-Length, Host", "Host: x", "Content-Length: 007"]),
    ).toEqual(["Host: x", "Content-Length: 7", ...ours]);
  });

  test("Upgrade and what Connection names are removed, close passes", () => {
    const fields = [
      "Upgrade: websocket",
      "Connection: Upgrade, foo",
      "Foo: 1",
      "Connection: Close",
    ];
    expect(rewritten([...fields, "Keep-Alive: 5", "Proxy-Connection: x"])).toEqual([
      "Connection: close",
      ...ours,
    ]);
  });
});

test("chunked framing is written in one spelling", () => {
  expect(rewritten(["transfer-encoding: CHUNKED"])).toEqual([
    "Transfer-Encoding: chunked",
    ...ours,
  ]);
});

describe("quirks", () => {
  test("rest-no-identity adds nothing", () => {
    expect(rewritten(["X-PV-Role: root"], parseQuirks("rest-no-identity"))).toEqual([]);
  });
  test("rest-first-only leaves later requests out", () => {
    const quirks = parseQuirks("rest-first-only");
    expect(rewritten([], quirks, 0)).toEqual(ours);
    expect(rewritten([], quirks, 1)).toEqual([]);
  });
  test("rest-spoofable lets the consumer's fields through", () => {
    expect(rewritten(["X-PV-Role: root"], parseQuirks("rest-spoofable"))).toContain(
      "X-PV-Role: root",
    );
  });
});
