import { expect, it } from "vitest";
import { formatLine } from "./pantavisor-log.ts";

it("a line has the real format", () => {
  const message = "(pv_state_set_status:556) state revision '0' status is now READY";
  expect(formatLine(1434.87, "INFO", "state", message)).toBe(
    "[pantavisor] 1434 INFO\t -- [state]: (pv_state_set_status:556) state revision '0' status is now READY\n",
  );
});

it("a daemon's control characters do not make more lines of it", () => {
  expect(formatLine(1, "WARN", "pv-xconnect-err", "a\nb\x1b[31m\tc")).toBe(
    "[pantavisor] 1 WARN\t -- [pv-xconnect-err]: a b [31m\tc\n",
  );
});
