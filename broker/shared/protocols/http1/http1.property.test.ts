import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { refuseDoubtfulHost } from "./authority.ts";
import { field, listOf, parseField } from "./fields.ts";
import { requestFraming, responseFraming } from "./framing.ts";
import type { Framing } from "./framing.ts";
import { staysOpen } from "./persistence.ts";
import { inOriginForm } from "./request-target.ts";
import { ResponseParser } from "./response-parser.ts";
import type { ResponseEvent } from "./response-parser.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

/** Result of `work`, or the status that it is refused with; any other error is thrown again. */
function outcome<T>(work: () => T): T | number {
  try {
    return work();
  } catch (error) {
    if (error instanceof HttpSyntaxError) return error.status;
    throw error;
  }
}

describe("a field line", () => {
  it("is read as it is written, blanks around the value apart", () => {
    const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/);
    const value = fc.stringMatching(
      /^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,20}[\x21-\xff])?$/,
    );
    const blank = fc.stringMatching(/^[ \t]{0,3}$/);
    const visible = value.filter((text) => !text.includes("\x7f"));
    fc.assert(
      fc.property(token, visible, blank, blank, (name, text, before, behind) => {
        expect(parseField(`${name}:${before}${text}${behind}`)).toEqual(field(name, text));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of any other bytes is refused, unless it is a name, a colon and a value", () => {
    const piece = fc.constantFrom("a", ":", " ", "\t", "\0", "\r", "\x7f", "(", "\xff", "x-y");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const line = pieces.join("");
        const [name = ""] = line.split(":", 1);
        const rest = line.slice(name.length + 1);
        const isGood = line.includes(":") && /^[axy-]+$/.test(name) && !/[\0\r\x7f]/.test(rest);
        const trimmed = rest.replace(/^[ \t]+|[ \t]+$/g, "");
        expect(outcome(() => parseField(line))).toEqual(isGood ? field(name, trimmed) : 400);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("framing", () => {
  const fields = fc.array(
    fc
      .tuple(
        fc.constantFrom("Content-Length", "content-length", "Transfer-Encoding", "Content_Length"),
        fc.constantFrom(
          "0",
          "5",
          "05",
          "+5",
          "5, 5",
          "",
          "9".repeat(16),
          "chunked",
          "gzip, chunked",
        ),
      )
      .map(([name, value]) => field(name, value)),
    { maxLength: 3 },
  );
  const version = fc.constantFrom("1.0" as const, "1.1" as const);

  it("of a request is what all recipients agree on, or refused", () => {
    fc.assert(
      fc.property(fields, version, (all, http) => {
        const framing = outcome(() =>
          requestFraming({ method: "PUT", target: "/", version: http, fields: all }),
        );
        const lines = all.map(({ name, value }) => `${name.toLowerCase()}: ${value}`);
        const [only = ""] = lines;
        let expected: Framing | 400 = 400;
        if (lines.length === 0) expected = { kind: "none" };
        else if (lines.length > 1) expected = 400;
        else if (/^content-length: \d{1,15}$/.test(only)) {
          expected = { kind: "length", length: Number(only.slice(16)) };
        } else if (only === "transfer-encoding: chunked" && http === "1.1") {
          expected = { kind: "chunked" };
        }
        expect(framing).toEqual(expected);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of a response is never a guess", () => {
    const status = fc.constantFrom(100, 200, 204, 304, 404);
    const method = fc.constantFrom("GET", "HEAD");
    fc.assert(
      fc.property(fields, version, status, method, (all, http, code, asked) => {
        const framing = outcome(() =>
          responseFraming({ version: http, status: code, fields: all }, asked),
        );
        if (asked === "HEAD" || code < 200 || code === 204 || code === 304) {
          expect(framing).toEqual({ kind: "none" });
          return;
        }
        if (typeof framing === "number") return;
        const lengths = all.filter(({ lower }) => lower === "content-length");
        const codings = listOf(all, "transfer-encoding");
        expect(lengths.length * codings.length).toBe(0);
        if (framing.kind === "length") expect(String(framing.length)).toMatch(/^\d{1,15}$/);
        if (framing.kind === "chunked") expect(codings.at(-1)).toBe("chunked");
        if (framing.kind === "none") expect.unreachable();
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

it("a target in origin form is a path without fragment, or `*`, and its host is the authority", () => {
  const piece = fc.constantFrom(
    "http://",
    "HTTPS://",
    "host",
    ":80",
    "/",
    "a",
    "?q",
    "#",
    "@",
    "*",
    "[::1]",
  );
  const method = fc.constantFrom("GET", "OPTIONS");
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), method, (pieces, asked) => {
      const target = pieces.join("");
      const head = { method: asked, target, version: "1.1" as const, fields: [field("Host", "x")] };
      const origin = inOriginForm(head);
      if (origin === undefined) return;
      expect(origin.target).toMatch(asked === "OPTIONS" ? /^(\*|\/[^#]*)$/ : /^\/[^#]*$/);
      const hosts = origin.fields.filter(({ lower }) => lower === "host");
      expect(hosts).toHaveLength(1);
      const absolute = /^https?:/i.test(target);
      expect(hosts[0]?.value).toBe(
        absolute ? new RegExp("^[^/]*//([^/?#]*)").exec(target)?.[1] : "x",
      );
      expect(hosts[0]?.value).not.toContain("@");
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

describe("responses", () => {
  const words = fc.array(
    fc.constantFrom(
      ...["HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Early\r\n", "HTTP/1.0 204\n", "\r\n", "\n", "3\r\n"],
      ...["Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "0\r\n", "abc", "X: y\r\n"],
      ...["Upgrade: websocket\r\n", "HTTP/1.1 101 Go\r\n", " ", "\0"],
      ...["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n", "0\r\n\r\n"],
    ),
    { maxLength: 14 },
  );

  it("give the same events and bytes however they are cut, and lose none before a refusal", () => {
    fc.assert(
      fc.property(words, fc.array(fc.nat(), { maxLength: 6 }), (pieces, cuts) => {
        const wire = Buffer.from(pieces.join(""), "latin1");
        const points = cuts.map((cut) => cut % (wire.length + 1)).sort((a, b) => a - b);
        const parts = [0, ...points].map((from, index) => wire.subarray(from, points[index]));
        const [whole, cut] = [follow([wire]), follow(parts)];
        expect(cut).toEqual(whole);
        expect(wire.toString("latin1").startsWith(whole.passed)).toBe(true);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  function follow(pieces: readonly Buffer[]) {
    const parser = new ResponseParser();
    parser.expect({ method: "GET", upgrade: ["websocket"] });
    const kinds: string[] = [];
    let passed = "";
    const take = (event: ResponseEvent) => {
      if ("bytes" in event) passed += event.bytes.toString("latin1");
      if (event.type === "body" && kinds.at(-1) === "body") return;
      kinds.push(event.type === "refused" ? event.reason : event.type);
    };
    for (const piece of pieces) {
      const lent = Buffer.from(piece);
      parser.push(lent);
      for (let event = parser.next(); event !== undefined; event = parser.next()) take(event);
      parser.keep();
      lent.fill("#");
    }
    return { kinds, passed };
  }
});

describe("a Host", () => {
  const piece = fc.constantFrom(
    ...["localhost", "a.b", "[::1]", "[", "]", ":", "80", "/", "?", "#", "@", "\\", ",", "%2F"],
    ...[" ", "\t", "..", "_", "é", ""],
  );

  it("that passes names a host and at most a port, however a provider makes a URL of it", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
        const host = pieces.join("");
        if (outcome(() => refuseDoubtfulHost([field("Host", host)])) === 400) {
          expect(host).not.toMatch(/^[a-z0-9.]*(:[0-9]{1,5})?$/);
          return;
        }
        // A provider cannot make a URL of an empty host.
        const url = /^(:|$)/.test(host) ? null : URL.parse(`http://${host}/path`);
        if (url === null) return;
        expect([url.pathname, url.username, url.search, url.hash]).toEqual(["/path", "", "", ""]);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("more than once is refused, whatever they say", () => {
    const host = fc.constantFrom("a", "b", "");
    fc.assert(
      fc.property(fc.array(host, { minLength: 2, maxLength: 3 }), (hosts) => {
        const fields = hosts.map((one) => field("hOst", one));
        expect(outcome(() => refuseDoubtfulHost(fields))).toBe(400);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

it("a connection stays open as its sender says it, close before all", () => {
  const option = fc.constantFrom("close", "Close", "keep-alive", "Keep-Alive", "x-pv-role", "");
  const version = fc.constantFrom("1.0" as const, "1.1" as const);
  fc.assert(
    fc.property(version, fc.array(fc.array(option), { maxLength: 3 }), (of, lists) => {
      const fields = lists.map((list) => field("Connection", list.join(" , ")));
      const said = lists.flat().map((one) => one.toLowerCase());
      const stays = !said.includes("close") && (of === "1.1" || said.includes("keep-alive"));
      expect(staysOpen({ version: of, fields })).toBe(stays);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
