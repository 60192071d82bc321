import { once } from "node:events";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PvhError } from "./errors.ts";
import { machineError } from "./machine-error.ts";

const file = join(mkdtempSync(join(tmpdir(), "pvh-machine-")), "file");
writeFileSync(file, "");

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("a full disk and a folder that cannot be made are the machine's fault", () => {
  const full = machineError(thrownBy(() => writeFileSync("/dev/full", "x")));
  expect(full).toMatchObject({ code: "PVH_NO_SPACE", class: "infra" });
  const home = machineError(thrownBy(() => mkdirSync(join(file, ".cache"), { recursive: true })));
  expect(home?.message).toContain(join(file, ".cache"));
});

test("a file that is missing, a socket and an error that is told already are not", async () => {
  expect(machineError(thrownBy(() => writeFileSync("/nonexistent/x", "x")))).toBeUndefined();
  const [refused] = (await once(connect(join(file, "x")), "error").catch((error: unknown) => [
    error,
  ])) as [unknown];
  expect(refused).toBeInstanceOf(Error);
  expect(machineError(refused)).toBeUndefined();
  expect(machineError(new PvhError("PVH_ENGINE", "ENOSPC"))).toBeUndefined();
});
