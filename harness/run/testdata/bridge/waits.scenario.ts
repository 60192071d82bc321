import { scenario } from "../../scenario.ts";

scenario("waits", { summary: "waits for the end of the run", boot: "none" }, ({ check }) => {
  check("report.exit", "never ends by itself", () => new Promise(() => undefined));
  check("report.junit", "comes after it", () => undefined);
});
