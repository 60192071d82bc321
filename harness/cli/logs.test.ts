import { expect, test } from "vitest";
import { formatter } from "./logs.ts";

const HOSTILE = "evil \u001b]0;owned\u0007\u009b31mred";
const LINE = `[pantavisor] 12 ERROR\t -- [init]: (f:1) ${HOSTILE}`;

test("on a terminal a container's line does nothing but appear", () => {
  const show = formatter(false, true);
  expect(show(HOSTILE)).toBe("evil red");
  expect(show(LINE)).toContain("evil red");
  expect(show(LINE)).not.toContain("owned\u0007");
});

test("a pipe or a file gets the line as it is, a program gets JSON", () => {
  expect(formatter(false, false)(LINE)).toBe(LINE);
  expect(JSON.parse(formatter(true, false)(LINE))).toMatchObject({
    module: "init",
    level: "ERROR",
  });
});
