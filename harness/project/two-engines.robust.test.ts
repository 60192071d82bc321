import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { canStartPrivateEngine } from "../engine/private-engine.ts";
import { pvhIn, userProject } from "./user-project.fixture.ts";

/** Four at a time are usual for one engine of a machine with two cores, eight for two. */
const SCENARIOS = 16;
const JOBS_OF_ONE = 4;
const SECONDS = 40;

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A project whose scenarios wait, and compute nothing meanwhile. */
function waitingProject(): string {
  const files = Array.from({ length: SCENARIOS }, (_, at) => [
    `scenarios/wait-${at}.scenario.ts`,
    `import { check, scenario } from "pvh";
     scenario("wait-${at}", { summary: "waits" }, () => {
       check("wait-${at}.waits", "it waits", async ({ appengine }) => {
         await appengine.text("sleep ${SECONDS}", { timeout: ${SECONDS * 2000} });
       }, { timeout: ${SECONDS * 2000} });
     });`,
  ]);
  return userProject({
    "pvh.config.ts": "export default {};",
    ...(Object.fromEntries(files) as Record<string, string>),
  });
}

/** Run all scenarios. @returns seconds from the end of the preparation to that of the run */
async function secondsOn(folder: string, engines: readonly string[]): Promise<number> {
  vi.stubEnv("PVH_ENGINES", engines.join(","));
  const run = await pvhIn(folder, "run", `--jobs=${JOBS_OF_ONE * engines.length}`);
  expect(run.stdout, run.stderr).toBe(`${SCENARIOS} passed, 0 failed, 0 skipped\n`);
  const events = readFileSync(join(folder, ".pvh/runs/latest/events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly type: string; readonly t: number });
  const at = (type: string): number => events.find((event) => event.type === type)?.t ?? NaN;
  return (at("run.finished") - at("run.prepared")) / 1000;
}

test.skipIf(!canStartPrivateEngine())(
  "two private engines do what waits in at most 0.6 of the time of one",
  async () => {
    vi.stubEnv("DOCKER_HOST", "");
    const folder = waitingProject();
    const start = async (): Promise<string> => {
      const { stdout, stderr } = await pvhIn(folder, "engine", "start", "--json");
      expect(stdout, stderr).toContain('"host"');
      return (JSON.parse(stdout) as { readonly host: string }).host;
    };
    const first = await start();
    vi.stubEnv("XDG_STATE_HOME", mkdtempSync(join(tmpdir(), "pvh-state-")));
    try {
      const engines = [first, await start()];
      const one = await secondsOn(folder, engines.slice(0, 1));
      const two = await secondsOn(folder, engines);
      console.log(
        `one engine ${one.toFixed(0)} s, two ${two.toFixed(0)} s: ${(two / one).toFixed(2)}`,
      );
      expect(two / one).toBeLessThanOrEqual(0.6);
    } finally {
      await pvhIn(folder, "engine", "stop");
    }
  },
  20 * 60_000,
);
