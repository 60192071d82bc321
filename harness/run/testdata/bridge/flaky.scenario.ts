import { existsSync, writeFileSync } from "node:fs";
import { expect, inject } from "vitest";
import { scenario } from "../../scenario.ts";

scenario("flaky", { summary: "fails the first time", boot: "none" }, ({ check }) => {
  check("report.exit", "fails the first time", () => {
    const marker = `${inject("pvh").folder}/marker`;
    const again = existsSync(marker);
    writeFileSync(marker, "");
    expect(again).toBe(true);
  });
});
