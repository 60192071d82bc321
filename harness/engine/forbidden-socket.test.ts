import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test, vi } from "vitest";
import { forbidden, isForbidden } from "./forbidden-socket.ts";

const refused = new Error("connect EACCES /var/run/docker.sock");

test("a socket that this user may not use is named with its group, and the command that helps", () => {
  vi.stubEnv("USER", "ada");
  const path = mkdtempSync(`${tmpdir()}/pvh-socket-`);
  expect(isForbidden(refused)).toBe(true);
  expect(forbidden(path, refused)).toMatchObject({
    code: "PVH_NO_ACCESS",
    message: expect.stringMatching(/^ada may not use .* it is for the group \S+$/) as string,
    hint: expect.stringMatching(/^sudo usermod -aG \S+ ada, then log in again$/) as string,
  });
  rmSync(path, { recursive: true });
  expect(forbidden(path, refused).hint).toBe(`ls -l ${path}`);
  vi.unstubAllEnvs();
});
