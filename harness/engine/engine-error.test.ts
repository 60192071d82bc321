import { expect, test } from "vitest";
import { PvhError } from "../errors.ts";
import { engineError } from "./engine-error.ts";

function answered(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode });
}

test.each([
  [answered(404, "(HTTP code 404) no such container - No such image: x:1"), "PVH_IMAGE_MISSING"],
  [
    answered(
      409,
      '(HTTP code 409) unexpected - Conflict. The container name "/x" is already in use',
    ),
    "PVH_NAME_IN_USE",
  ],
  [answered(500, "write /data: no space left on device"), "PVH_NO_SPACE"],
  [new Error("connect ECONNREFUSED /var/run/docker.sock"), "PVH_ENGINE_UNREACHABLE"],
  [new DOMException("stop", "AbortError"), "PVH_ABORTED"],
  [answered(500, "(HTTP code 500) server error - ENOENT: no such file"), "PVH_ENGINE"],
])("%s is %s", (error, code) => {
  expect(engineError(error, "x")).toMatchObject({ code });
});

test("the engine's words are kept, without dockerode's wrapping", () => {
  const error = engineError(answered(500, "(HTTP code 500) server error - bad mount"), "pvh-1");
  expect(error.message).toBe("pvh-1: bad mount");
});

test("a PvhError passes as it is", () => {
  const error = new PvhError("PVH_BUILD", "no");
  expect(engineError(error, "x")).toBe(error);
});
