import fc from "fast-check";
import { expect, test } from "vitest";
import { readContainers, readVolumes } from "./listed.ts";

const ours = { "pvh.owner": "m/b/1/1" };

test("nulls, missing fields and odd rows cost nothing but themselves", () => {
  const rows = [
    null,
    "row",
    { Names: ["/no-id"] },
    { Id: "a", Names: null, Labels: null, Mounts: null },
    { Id: "b" },
    {
      Id: "c",
      Names: [null, "/pvh-1"],
      Image: null,
      Labels: { ...ours, odd: null },
      Mounts: [null, { Type: "bind" }, { Name: "v" }],
    },
  ];
  const empty = { image: "", state: "", status: "", volumes: [] };
  expect(readContainers(rows)).toEqual([
    { ...empty, id: "a", name: "a", labels: {} },
    { ...empty, id: "b", name: "b", labels: {} },
    { ...empty, id: "c", name: "pvh-1", labels: ours, volumes: ["v"] },
  ]);
});

test.each([null, undefined, "<html>", {}, { Volumes: null }, []])("%j lists nothing", (answer) => {
  expect(readContainers(answer)).toEqual([]);
  expect(readVolumes(answer)).toEqual([]);
});

test("a volume without labels or a place is listed", () => {
  expect(readVolumes({ Volumes: [{ Name: "v", Labels: null }, { Name: null }] })).toEqual([
    { name: "v", mountpoint: "", labels: {} },
  ]);
});

test("no answer of an engine is too odd to be read", () => {
  fc.assert(
    fc.property(fc.anything(), fc.array(fc.anything()), (answer, rows) => {
      readContainers(answer);
      readVolumes(answer);
      readContainers(rows);
      readVolumes({ Volumes: rows });
    }),
  );
});
