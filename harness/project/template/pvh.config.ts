import { defineConfig } from "pvh/config";

export default defineConfig({
  scenarios: "scenarios/**/*.scenario.ts",
  containers: "containers",
});
