import { expect, test } from "vitest";
import { awaitedOf, differencesOf, touchedContainers } from "./reset-appengine.ts";
import type { ContainerTraces, Traces } from "./traces.ts";

const container = (more: Partial<ContainerTraces> = {}): ContainerTraces => ({
  pid: 10,
  programs: new Set(["sh"]),
  files: new Map([["/run/s.sock s 777", "1 1.0 0"]]),
  ...more,
});
const traces = (
  containers: Readonly<Record<string, ContainerTraces>>,
  more: Partial<Traces> = {},
): Traces => ({
  containers: new Map(Object.entries(containers)),
  processes: ["pantavisor"],
  files: ["/tmp d 1777"],
  mounts: ["/"],
  ...more,
});
const BEFORE = traces({ a: container(), b: container(), c: container() });
const touched = (
  now: Traces,
  entered: readonly string[] = [],
  graph: Parameters<typeof touchedContainers>[3] = [],
) => [...touchedContainers(BEFORE, now, new Set(entered), graph)];

test.each<[string, Partial<ContainerTraces>]>([
  ["another init", { pid: 11 }],
  ["a program that it had not", { programs: new Set(["sh", "python3"]) }],
  ["a file more", { files: new Map([...container().files, ["/run/x f 644", "2 1.0 0"]]) }],
  ["a file that was written", { files: new Map([["/run/s.sock s 777", "1 2.0 0"]]) }],
])("a container with %s is touched", (_what, more) => {
  expect(touched(traces({ a: container(more), b: container(), c: container() }))).toEqual(["a"]);
});

test("a container that runs no more is touched, and so is one that was entered", () => {
  expect(touched(traces({ b: container(), c: container() }), ["c"])).toEqual(["a", "c"]);
});

test("the peers of a touched container are touched, and no others", () => {
  const graph = [
    { consumer: "a", provider: "b" },
    { consumer: "c", provider: "nobody" },
  ];
  expect(touched(BEFORE, ["b"], graph)).toEqual(["b", "a"]);
});

test("nothing is touched where nothing has changed", () => {
  expect(touched(BEFORE)).toEqual([]);
});

const told = new Map([["/steps", "[]"]]);

test("each difference has a phrase", () => {
  const first = { traces: BEFORE, told };
  const now = traces(
    { a: container({ files: new Map([["/run/new f 644", ""]]) }), b: container() },
    { processes: ["pantavisor", "sleep 60"], files: ["/tmp d 1777", "/tmp/x f 644"], mounts: [] },
  );
  const differences = differencesOf(first, { traces: now, told: new Map([["/steps", "[1]"]]) });
  expect(differences).toEqual([
    "/steps says something else",
    "container c is missing",
    "process sleep 60 is new",
    "file /tmp/x f 644 is new",
    "mount / is missing",
  ]);
});

test("the same state has no difference", () => {
  expect(differencesOf({ traces: BEFORE, told }, { traces: BEFORE, told })).toEqual([]);
});

test("a container that was started anew may have more files than first, and none less", () => {
  const state = (file: string, link: string) => ({
    traces: traces({ a: container({ files: new Map([[file, ""]]) }), b: container() }),
    told: new Map([["pv-xconnect", link]]),
  });
  const first = state("/run/s.sock s 777", "up");
  expect(awaitedOf(first, state("/run/new f 644", "down"), new Set(["a"]))).toEqual([
    "a link has another state",
    "file in a /run/s.sock s 777 is missing",
  ]);
  expect(awaitedOf(first, first, new Set(["a", "b"]))).toEqual([]);
  expect(awaitedOf(first, state("/run/new f 644", "up"), new Set(["b"]))).toEqual([]);
});
