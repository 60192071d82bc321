import { scenario } from "../../scenario.ts";

scenario("alone", { summary: "measures time", boot: "none", alone: true }, ({ check }) => {
  check("report.exit", "passes", () => undefined);
});
