import fc from "fast-check";
import { expect, test } from "vitest";
import { groupsOf, parseId, parsePasswd } from "./accounts.ts";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";

test.each([
  ["0", 0],
  ["0065534", 65_534],
  ["4294967294", 4_294_967_294],
  ["4294967295", undefined], // (uid_t)-1 would leave the broker root
  ["4294967296", undefined], // 0 modulo 2^32
  ["00000000000", undefined],
  ["-1", undefined],
  ["+1", undefined],
  ["0x0", undefined],
  ["1e3", undefined],
  [" 1", undefined],
  ["1\n", undefined],
  ["", undefined],
])("the id %j is %s", (text, id) => {
  expect(parseId(text)).toBe(id);
});

test("only well-formed accounts count", () => {
  const content = [
    "root:x:0:0:root:/root:/bin/sh",
    "# comment",
    "short:x:1:1",
    "long:x:1:1:::/bin/sh:more",
    ":x:2:2:::",
    "minus:x:-1:-1:::",
    "unchanged:x:4294967295:0:::",
    "app:x:1000:100:::",
    "app:x:0:0:::",
  ].join("\n");
  expect(parsePasswd(content)).toEqual([
    { name: "root", uid: 0, gid: 0 },
    { name: "app", uid: 1000, gid: 100 },
    { name: "app", uid: 0, gid: 0 },
  ]);
});

test("the groups of an account are those that list it, each once", () => {
  const content = "a:x:1:app,other\nb:x:2:application\nc:x:3:app\nd:x:1:app\ne:x:x:app\nf:x:9";
  expect(groupsOf(content, "app")).toEqual([1, 3]);
});

test("whatever a container writes, ids are ids", () => {
  const line = fc.array(fc.constantFrom("a", ":", "0", "4294967295", "-", "\n", "x"), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(line, (parts) => {
      const content = parts.join("");
      const ids = parsePasswd(content).flatMap(({ uid, gid }) => [uid, gid]);
      for (const id of [...ids, ...groupsOf(content, "a")]) {
        expect(Number.isInteger(id) && id >= 0 && id < 0xffff_ffff).toBe(true);
      }
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
