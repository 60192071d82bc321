import { scenario } from "../../scenario.ts";

// It can be listed, but a worker cannot load it.
if ("__vitest_worker__" in globalThis) throw new Error("this file is broken");

scenario("broken", { summary: "never gets that far", boot: "none" }, ({ check }) => {
  check("report.exit", "cannot run", () => undefined);
});
