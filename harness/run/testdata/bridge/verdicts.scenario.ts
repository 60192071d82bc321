import { expect } from "vitest";
import { PvhError } from "../../../errors.ts";
import { scenario } from "../../scenario.ts";

scenario(
  "verdicts",
  { summary: "one check of each verdict", boot: "none", tags: ["quick"] },
  ({ check }) => {
    check("report.exit", "passes", ({ note, seed }) => note(`seed ${seed}`));
    check("report.junit", "fails an assertion", () => {
      expect(1).toBe(2);
    });
    check("report.hostile-output", "throws a PvhError with hostile bytes", () => {
      throw new PvhError("PVH_CONTROL", "evil \u001b]0;title\u0007 <bytes> \u0000");
    });
    check("diag.host", "skips itself", ({ skip }) => skip("not today"));
    check("diag.pid-zero", "takes too long", () => new Promise(() => undefined), { timeout: 50 });
    check("diag.buffering", "asks for an appengine that is not there", ({ control }) => {
      control.close();
    });
  },
);
