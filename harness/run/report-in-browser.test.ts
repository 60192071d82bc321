import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RecordedEvent } from "../../reports/events.ts";
import { foldRun } from "../../reports/run-state.ts";
import { HOSTILE, record, SAMPLE } from "../../reports/testdata/sample-run.ts";
import { findProgram } from "../engine/programs.ts";
import { renderReport } from "./render-report.ts";
import { largeRun } from "./testdata/large-run.ts";

const PROGRAM = findProgram("chromium");
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** Folder for pictures of the views, for people to look at. */
const PICTURES = process.env["PVH_SCREENSHOTS"];
const VIEWS = ["overview", "scenarios", "timeline", "logs", "coverage", "comparison"];

/** Write the page of a record, and make it the last of a folder of runs. */
function written(events: readonly RecordedEvent[], evidence = 0): { url: string; bytes: number } {
  const folder = join(mkdtempSync(join(tmpdir(), "pvh-html-")), "20261123T000000Z-large0");
  mkdirSync(join(folder, "scenario-0/logs/0/app/lxc"), { recursive: true });
  const log = join(folder, "scenario-0/logs/0/app/lxc/console.log");
  writeFileSync(log, "");
  // A file without blocks: its size is what counts.
  truncateSync(log, evidence);
  writeFileSync(join(folder, "scenario-0/boot.log"), `</script>${HOSTILE}\n`);
  const directory = { folder, shown: ".pvh/runs/x" };
  const html = renderReport("html", { state: foldRun(events), events, directory });
  const file = join(folder, "report.html");
  writeFileSync(file, html);
  return { url: pathToFileURL(file).href, bytes: statSync(file).size };
}

describe.skipIf(PROGRAM === undefined)("in chromium (Debian's package)", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: PROGRAM ?? "",
      args: ["--no-sandbox", "--disable-dev-shm-usage"],
    });
  }, 60_000);
  afterAll(() => browser.close());

  const opened = async (
    url: string,
    options: NonNullable<Parameters<Browser["newPage"]>[0]> = {},
  ): Promise<{ readonly page: Page; readonly wrong: string[] }> => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
    page.on("request", (request) => request.url() !== url && wrong.push(request.url()));
    await page.goto(url);
    return { page, wrong };
  };

  test("a run of 5,000 checks and 100 MB of evidence opens within 2 s, from at most 10 MB", async () => {
    const { url, bytes } = written(largeRun(50, 100, 500), 100 << 20);
    expect(bytes).toBeLessThanOrEqual(10_000_000);
    const page = await browser.newPage();
    const session = await page.context().newCDPSession(page);
    // Time of its thread: another's load does not count.
    await session.send("Performance.enable", { timeDomain: "threadTicks" });
    await page.goto(url);
    await page.locator("h1").waitFor();
    const { metrics } = await session.send("Performance.getMetrics");
    const spent = metrics.find(({ name }) => name === "TaskDuration")?.value;
    expect(spent).toBeGreaterThan(0);
    expect(spent).toBeLessThan(2);
    expect(await page.locator(".verdict .counts").textContent()).toContain(
      "4750 passed, 250 failed",
    );
    expect(await page.locator(".failure").count()).toBe(20);
    await page.goto(`${url}#/logs`);
    expect(await page.locator("main p[aria-live]").textContent()).toMatch(/\d{4,} lines$/);
    await page.locator(".filter").fill("kind:control !zzz");
    expect(await page.locator(".line").count()).toBe(400);
    if (PICTURES !== undefined) await pictures(url, PICTURES);
    await page.close();
  }, 120_000);

  test("no text of a container acts, nothing is asked of others, and every view is there", async () => {
    const { url } = written(record([...SAMPLE, { type: "run.finished", ms: 5, exitCode: 1 }]));
    const { page, wrong } = await opened(url);
    for (const view of VIEWS) {
      await page.goto(`${url}#/${view}`);
      await page.locator("h1").waitFor();
      expect(await page.locator("main b, main img, main script").count()).toBe(0);
    }
    expect(await page.title()).not.toBe("acted");
    expect(wrong).toEqual([]);
    await page.close();
  }, 60_000);

  test("axe finds nothing serious in any view, light or dark, wide or narrow", async () => {
    const { url } = written(largeRun(4, 30, 20));
    for (const [colorScheme, width] of [
      ["light", 1280],
      ["dark", 390],
    ] as const) {
      const { page } = await opened(url, { colorScheme, viewport: { width, height: 800 } });
      for (const view of [...VIEWS, "scenarios/scenario-0"]) {
        await page.goto(`${url}#/${view}`);
        await page.locator("h1").waitFor();
        await page.evaluate(readFileSync(AXE, "utf8"));
        const found = await page.evaluate<string[]>(
          `axe.run().then(({ violations }) => violations
            .filter(({ impact }) => impact === "serious" || impact === "critical")
            .map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html }) => html).join(" ")))`,
        );
        expect([view, colorScheme, ...found]).toEqual([view, colorScheme]);
        const wider = await page.evaluate<number>(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        expect([view, width, wider]).toEqual([view, width, 0]);
      }
      await page.close();
    }
  }, 120_000);

  test("the scrubber shows what a moment was, a link leads to it, keys lead through the page", async () => {
    const { url } = written(largeRun(2, 10, 5));
    const { page } = await opened(`${url}#/timeline/scenario-1/1500`);
    expect(await page.locator(".state").textContent()).toContain("STARTED container provider");
    expect(await page.locator("svg.graph path.edge.established").count()).toBe(1);
    await page.locator("#scrubber").fill("0");
    await expect
      .poll(() => page.locator(".state").textContent())
      .toContain("no graph was read yet");
    await page.keyboard.press("Tab");
    await page.goto(`${url}#/overview`);
    await page.locator(".failure").first().waitFor();
    await page.keyboard.press("j");
    expect(await page.evaluate("document.activeElement.className")).toBe("failure");
    await page.keyboard.press("2");
    // The address changes before the view does.
    await page.waitForURL(/#\/scenarios$/);
    await page.locator(".filter").waitFor();
    await page.keyboard.press("/");
    expect(await page.evaluate("document.activeElement.className")).toBe("filter");
    await page.keyboard.type("s:failed scenario-0");
    await expect.poll(() => page.locator("main [aria-live]").textContent()).toBe("1 of 2");
    await page.close();
  }, 60_000);

  async function pictures(url: string, folder: string): Promise<void> {
    for (const [colorScheme, width] of [
      ["light", 1280],
      ["dark", 1280],
      ["light", 390],
    ] as const) {
      const { page } = await opened(url, { colorScheme, viewport: { width, height: 900 } });
      for (const view of [...VIEWS, "scenarios/scenario-0"]) {
        await page.goto(`${url}#/${view}`);
        await page.locator("h1").waitFor();
        const name = `${view.replace("/", "-")}-${colorScheme}-${width}.png`;
        await page.screenshot({ path: join(folder, name) });
      }
      await page.close();
    }
  }
});
