import type { Report } from "./finding.ts";
import { isJsonObject } from "./json-value.ts";
import type { JsonObject } from "./json-value.ts";
import { listOf } from "./lint-services.ts";

/** Findings on a container of type wasm, which is a module and nothing else. */
export function lintGuest(
  name: string,
  fragment: JsonObject,
  run: JsonObject,
  report: Report,
): void {
  const path = `${name}/run.json`;
  const error = (code: string, at: string, message: string, fix: string) =>
    report({ level: "error", code, path: at, message, fix });
  if (run["type"] !== "wasm") {
    if (!("wasm" in run)) return;
    const message = `only containers of type wasm read it`;
    report({
      level: "warning",
      code: "extension-unused",
      path: `${path}#/wasm`,
      message,
      fix: "remove it",
    });
    return;
  }
  if (typeof run["config"] !== "string") {
    error("guest-module", `${path}#/config`, "no module is named", "name a .wasm beside run.json");
  }
  const laidOver = Object.keys(fragment).find((key) => key.startsWith(`_config/${name}/`));
  if (laidOver !== undefined) {
    error("guest-config", laidOver, "a wasm container has no file system", "remove it");
  }
  const services = fragment[`${name}/services.json`];
  const base = isJsonObject(services) ? "/services" : "";
  listOf(services ?? []).forEach((entry, index) => {
    if (!isJsonObject(entry) || entry["type"] === "rest") return;
    const at = `${name}/services.json#${base}/${index}/type`;
    error("guest-provides", at, "a wasm container provides type rest alone", 'use "rest"');
  });
}
