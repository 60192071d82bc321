import { expect, test } from "vitest";
import { parseQuirks } from "../quirks/quirks.ts";
import { mergeExtensions } from "./extensions.ts";

test("fds are what both sides list, and none where one side lists none", () => {
  const provided = { fds: ["memfd", "socket"] };
  expect(mergeExtensions(provided, { fds: ["pipe", "memfd"] })).toEqual({ fds: ["memfd"] });
  expect(mergeExtensions(provided, {})).toEqual({});
  expect(mergeExtensions({}, { fds: ["memfd"] })).toEqual({});
});

test("rules of both sides stay apart: a message must pass each list", () => {
  const ours = [{ access: "talk", name: "a.b" }];
  const theirs = [{ access: "talk", name: "a.*" }];
  expect(mergeExtensions({ rules: theirs }, { rules: ours })).toEqual({ rules: [theirs, ours] });
  expect(mergeExtensions({ rules: theirs }, {})).toEqual({ rules: [theirs] });
});

test("events of both sides stay apart, grab is the export's and form the requirement's", () => {
  const [ours, theirs] = [[{ type: "EV_KEY" }], [{ type: "EV_REL" }]];
  const provided = { events: theirs, grab: true, form: "node" };
  expect(mergeExtensions(provided, { events: ours, form: "stream" })).toEqual({
    ...{ events: [theirs, ours], grab: true, form: "stream" },
  });
  expect(mergeExtensions(provided, {})).toEqual({ events: [theirs], grab: true });
});

test("a value of the wrong type is passed on, for the plugin to refuse by name", () => {
  expect(mergeExtensions({ fds: "memfd", identity: 7 }, { fds: ["memfd"] })).toEqual({
    fds: "memfd",
    identity: 7,
  });
});

test("quirk fd-requirement-ignored takes the export's list", () => {
  const quirks = parseQuirks("fd-requirement-ignored");
  expect(mergeExtensions({ fds: ["memfd"] }, {}, quirks)).toEqual({ fds: ["memfd"] });
});
