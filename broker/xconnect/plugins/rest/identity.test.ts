import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { field } from "../../../shared/protocols/http1/fields.ts";
import { requestFraming } from "../../../shared/protocols/http1/framing.ts";
import type { HttpVersion } from "../../../shared/protocols/http1/request-head.ts";
import { none, parseQuirks } from "../../../shared/quirks/quirks.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { fieldsForProvider, offeredUpgrade } from "./identity.ts";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";

const identity = { client: "c1", role: "admin" };
interface Options {
  readonly quirks?: Quirks;
  readonly isFirst?: boolean;
  readonly allowed?: readonly string[];
  readonly version?: HttpVersion;
}
const ours = ["X-PV-Client: c1", "X-PV-Role: admin"];

function rewritten(
  fields: readonly string[],
  { quirks = none, isFirst = true, allowed = [], version = "1.1" }: Options = {},
): string[] {
  const head = {
    method: "POST",
    target: "/",
    version,
    fields: fields.map((line) => {
      const [name = "", value = ""] = line.split(": ");
      return field(name, value);
    }),
  };
  const framing = requestFraming(head);
  const upgrade = offeredUpgrade(head, framing, allowed);
  return fieldsForProvider(head, { framing, upgrade, identity, isFirst, quirks }).map(
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
    { numRuns: PROPERTY_RUNS },
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
    expect(rewritten([...fields, "Keep-Alive: 5", "Proxy-Connection: x", "TE: gzip"])).toEqual([
      "Connection: close",
      ...ours,
    ]);
  });
});

describe("an offer to change the protocol", () => {
  const offer = ["Upgrade: WebSocket, h3", "Connection: Upgrade"];
  const allowed = ["websocket"];

  test("passes as far as the link allows it", () => {
    expect(rewritten(offer, { allowed })).toEqual([
      "Upgrade: websocket",
      "Connection: upgrade",
      ...ours,
    ]);
  });

  test("passes beside a length of 0, which is no body: Go says so with each POST", () => {
    expect(rewritten([...offer, "Content-Length: 0"], { allowed })).toEqual([
      "Upgrade: websocket",
      "Connection: upgrade",
      "Content-Length: 0",
      ...ours,
    ]);
  });

  test.each(["Content-Length: 3", "Transfer-Encoding: chunked"])(
    "passes beside a body (%s): docker exec sends one",
    (framing) => {
      expect(rewritten([...offer, framing], { allowed })).toEqual([
        "Upgrade: websocket",
        "Connection: upgrade",
        framing,
        ...ours,
      ]);
    },
  );

  test.each([
    ["a body that waits for 100", [...offer, "Content-Length: 3", "Expect: 100-continue"], {}],
    ["HTTP/1.0", offer, { version: "1.0" as const }],
    ["no Connection: upgrade", offer.slice(0, 1), {}],
    ["another protocol only", ["Upgrade: h3", "Connection: Upgrade"], {}],
  ])("does not pass with %s", (_name, fields, options) => {
    expect(rewritten(fields, { allowed, ...options }).join()).not.toMatch(/upgrade/i);
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
    expect(rewritten(["X-PV-Role: root"], { quirks: parseQuirks("rest-no-identity") })).toEqual([]);
  });
  test("rest-first-only leaves later requests out", () => {
    const quirks = parseQuirks("rest-first-only");
    expect(rewritten([], { quirks, isFirst: true })).toEqual(ours);
    expect(rewritten([], { quirks, isFirst: false })).toEqual([]);
  });
  test("role-from-consumer believes the consumer", () => {
    const quirks = parseQuirks("role-from-consumer");
    expect(rewritten(["X-PV-Role: root"], { quirks })).toContain("X-PV-Role: root");
  });
  test("rest-spoofable lets the consumer's fields through", () => {
    expect(rewritten(["X-PV-Role: root"], { quirks: parseQuirks("rest-spoofable") })).toContain(
      "X-PV-Role: root",
    );
  });
});
