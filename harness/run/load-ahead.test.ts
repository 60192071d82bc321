import { execFile } from "node:child_process";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "../root.ts";

/** Prints the URLs of the modules that are loaded, at the end. */
const PRINT_MODULES = `
  import { registerHooks } from "node:module";
  const urls = [];
  registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
  process.on("exit", () => console.log(urls.join("\\n")));`;

test("nothing that is loaded ahead is a scenario's file, or a program of the reference", async () => {
  const hook = `data:text/javascript,${encodeURIComponent(PRINT_MODULES)}`;
  const files = ["scenario-worker", "load-files.main", "load-ahead"].map((name) =>
    join(import.meta.dirname, `${name}.ts`),
  );
  const script = `
    process.env.PVH_AHEAD = JSON.stringify({
      appengine: { engine: { host: "unix:///nowhere" }, name: "none" },
    });
    for (const file of ${JSON.stringify(files)}) await import(file);
    await (await import(${JSON.stringify(files[2])})).loadAhead();
    process.exit();`;
  const words = ["--import", hook, "--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: ROOT });
  const loaded = stdout
    .split("\n")
    .filter((url) => url.startsWith("file:"))
    .map((url) => relative(ROOT, fileURLToPath(url)));
  expect(loaded).toContain("harness/run/scenario-session.ts");
  expect(loaded).toContain("harness/appengine/attach-appengine.ts");
  const changing = /^(scenarios|examples|containers)\/|^broker\/(?!shared\/)/;
  expect(loaded.filter((path) => changing.test(path))).toEqual([]);
});
