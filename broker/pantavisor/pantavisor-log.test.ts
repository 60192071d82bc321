import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { formatLine, openPantavisorLog } from "./pantavisor-log.ts";

it("a line has the real format", () => {
  const message = "(pv_state_set_status:556) state revision '0' status is now READY";
  expect(formatLine(1434.87, "INFO", "state", message)).toBe(
    "[pantavisor] 1434 INFO\t -- [state]: (pv_state_set_status:556) state revision '0' status is now READY\n",
  );
});

it("a daemon's control characters do not make more lines of it", () => {
  expect(formatLine(1, "WARN", "pv-xconnect-err", "a\nb\x1b[31m\tc")).toBe(
    "[pantavisor] 1 WARN\t -- [pv-xconnect-err]: a b [31m\tc\n",
  );
});

it("a full disk costs lines, and the log says how many", () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-log-"));
  for (const name of ["full/pantavisor", "room"])
    mkdirSync(join(folder, name), { recursive: true });
  symlinkSync("/dev/full", join(folder, "full/pantavisor/pantavisor.log"));
  using log = openPantavisorLog(join(folder, "full"));
  log.write("INFO", "state", "one");
  log.write("INFO", "state", "two");
  log.moveTo(join(folder, "room"));
  log.write("INFO", "state", "three");
  log.write("INFO", "state", "four");
  const text = readFileSync(join(folder, "room/pantavisor/pantavisor.log"), "utf8");
  rmSync(folder, { recursive: true });
  const messages = text.match(/(?<=-- )\[.*/g);
  expect(messages).toEqual([
    "[log]: 2 lines are missing here: the disk was full",
    "[state]: three",
    "[state]: four",
  ]);
});
