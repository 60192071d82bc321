import { isMainThread } from "node:worker_threads";
import { scenario } from "../../scenario.ts";

// It can be listed, but a worker cannot load it.
if (!isMainThread) throw new Error("this file is broken");

scenario("broken", { summary: "never gets that far", boot: "none" }, ({ check }) => {
  check("report.exit", "cannot run", () => undefined);
});
