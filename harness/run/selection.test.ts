import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PvhError } from "../errors.ts";
import { select } from "./selection.ts";
import type { Selectable } from "./selection.ts";

const make = (name: string, suite: string, checks: string[], tags: string[] = []): Selectable => ({
  name,
  suite,
  tags,
  checks: checks.map((id) => ({ id, suite: id.split(".", 1)[0] ?? "" })),
});

const SCENARIOS = [
  make("unix-half-close", "unix", ["unix.half-close.to-provider", "unix.half-close.to-consumer"]),
  make("unix-injection", "unix", ["xc.inject.mode", "unix.bytes"], ["fast"]),
  make("dbus-roles", "dbus", ["dbus.role.uid", "xc.inject.role"], ["slow"]),
];

const names = (filter: string): string[] =>
  select(SCENARIOS, filter).map(({ scenario }) => scenario.name);
const checks = (filter: string): string[] => select(SCENARIOS, filter).flatMap((one) => one.checks);

describe("a filter", () => {
  test.each([
    ["", ["unix-half-close", "unix-injection", "dbus-roles"]],
    ["dbus-roles", ["dbus-roles"]],
    ["unix-*", ["unix-half-close", "unix-injection"]],
    ["unix-injection dbus-roles", ["unix-injection", "dbus-roles"]],
    ["@slow", ["dbus-roles"]],
    ["@nobody", []],
    ["type:dbus", ["dbus-roles"]],
    ["not type:dbus", ["unix-half-close", "unix-injection"]],
    ["type:unix and not @fast", ["unix-half-close"]],
    ["@slow or @fast and unix-*", ["unix-injection", "dbus-roles"]],
    ["(@slow or @fast) and unix-*", ["unix-injection"]],
    ["not (@slow or @fast)", ["unix-half-close"]],
    ["nothing-like-*", []],
  ])("%j selects %j", (filter, expected) => {
    expect(names(filter)).toEqual(expected);
  });

  test("that names a check runs only that check of its scenario", () => {
    expect(checks("check:unix.half-close.to-provider")).toEqual(["unix.half-close.to-provider"]);
    expect(checks("unix.bytes")).toEqual(["unix.bytes"]);
    expect(checks("check:xc.inject.*")).toEqual(["xc.inject.mode", "xc.inject.role"]);
  });

  test("that negates a check runs the others", () => {
    expect(checks("dbus-roles and not check:dbus.role.uid")).toEqual(["xc.inject.role"]);
  });

  test("treats the dot of a check id as a dot", () => {
    expect(() => checks("check:unixxbytes")).toThrow(PvhError);
  });
});

describe("a name that nothing has", () => {
  test.each([
    ["dbus-rolse", "dbus-roles"],
    ["unix-half-clos", "unix-half-close"],
    ["check:dbus.role.udi", "dbus.role.uid"],
    ["type:unx", "unix"],
    ["injection", "unix-injection"],
  ])("%s: suggests %s", (word, suggestion) => {
    let thrown: unknown;
    try {
      names(word);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(PvhError);
    expect(thrown).toMatchObject({ code: "PVH_USAGE" });
    expect((thrown as PvhError).hint).toContain(suggestion);
  });
});

test.each(["(", "@fast and", "not", ") x", "and", "dbus-roles )", "(dbus-roles", "size:big"])(
  "%j cannot be read and is a usage error",
  (filter) => {
    expect(() => names(filter)).toThrow(/filter '/);
  },
);

test("any text either selects or is a usage error", () => {
  const word = fc.constantFrom("(", ")", "and", "or", "not", "unix-*", "@fast", "type:dbus", "x:y");
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      try {
        for (const one of select(SCENARIOS, words.join(" "))) expect(one.checks).not.toEqual([]);
      } catch (error) {
        expect(error).toMatchObject({ code: "PVH_USAGE" });
      }
    }),
  );
});

test("not not x selects what x selects", () => {
  const word = fc.constantFrom("unix-*", "@fast", "type:dbus", "check:xc.*", "dbus-roles");
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(checks(`not not (${a} and ${b})`)).toEqual(checks(`${a} and ${b}`));
      expect(checks(`not (${a} or ${b})`)).toEqual(checks(`not ${a} and not ${b}`));
    }),
  );
});
