import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { PROFILES } from "./profiles.ts";

const rows = [...catalogue().values()];
const rowsOf = (quirk: string) => rows.filter((row) => row.quirk === quirk);

/** Forms of replies that were recorded, and of which no row promises anything. */
const WITHOUT_ROW: readonly string[] = [
  "host-foreign-closed",
  "garbage-html",
  "caller-unknown-500",
  "nobody-put-twice",
  "containers-fields-few",
  "graph-no-start",
  "graph-interface-type",
];

test("each quirk of compat breaks a promise, or is a form of a reply", () => {
  const without = PROFILES.compat.filter((quirk) => rowsOf(quirk).length === 0);
  expect(without).toEqual(WITHOUT_ROW);
});

test.each(PROFILES.compat.filter((quirk) => !WITHOUT_ROW.includes(quirk)))(
  "compat breaks with %s what the real one breaks",
  (quirk) => {
    const real = rowsOf(quirk).map((row) => row.real);
    expect(real).toContainEqual(expect.stringMatching(/^(bad|gap)$/));
  },
);
