import { expect, it } from "vitest";
import { readGraph } from "./graph.ts";

const entry = { consumer: "a", name: "bus", type: "dbus", socket: "/s" };

it.each([0, 1000, 0xffff_fffe])("a graph's uid may be %i", (uid) => {
  expect(readGraph([{ ...entry, uid }]).entries[0]?.uid).toBe(uid);
});

it.each([0xffff_ffff, 2 ** 32, 2 ** 40, -1, 0.5])(
  "a graph's uid is not %d: it would be another's, or root's",
  (uid) => {
    const { entries, unreadable } = readGraph([{ ...entry, uid }]);
    expect(entries).toEqual([]);
    expect(unreadable[0]?.problem).toMatch(/^uid: /);
  },
);
