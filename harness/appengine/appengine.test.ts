import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Appengine } from "./appengine.ts";
import { localContainer } from "./testdata/local-appengine.ts";

test("a poll of a pv-ctrl that has no socket starts no program", async () => {
  const programs: string[] = [];
  const appengine = new Appengine(localContainer(programs), "an appengine");
  await appengine.sh(":");
  await expect(appengine.control.containers()).rejects.toMatchObject({
    code: "PVH_CONTROL",
    message: "GET /containers: there is no socket /run/pantavisor/pv/pv-ctrl",
  });
  expect(programs).toEqual(["sh"]);
  await appengine.close();
});

test("a request does not wait for a command of the shell", async () => {
  const programs: string[] = [];
  const appengine = new Appengine(localContainer(programs), "an appengine");
  const fifo = join(mkdtempSync(join(tmpdir(), "pvh-fifo-")), "fifo");
  await appengine.sh(`mkfifo ${fifo}`);
  const command = appengine.sh(`cat ${fifo}`);
  await expect(appengine.control.containers()).rejects.toThrow();
  expect(programs).toEqual(["sh", "nc"]);
  writeFileSync(fifo, "read");
  expect((await command).stdout).toBe("read");
  await appengine.close();
});
