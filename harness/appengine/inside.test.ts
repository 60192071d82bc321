import { expect, test } from "vitest";
import { InsideContainer } from "./inside.ts";
import { python } from "./python.ts";
import { localAppengine } from "./testdata/local-appengine.ts";

const STATES = { running: "RUNNING", stopped: "STOPPED" };

test("a command in a container gives its status and both outputs, as they are", async () => {
  const inside = new InsideContainer(localAppengine(STATES), "running");
  expect(await inside.sh("echo out; echo err >&2; exit 3")).toEqual({
    exitCode: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
  expect(await inside.sh("if")).toMatchObject({ stdout: "", exitCode: 2 });
  expect(await inside.text("printf '\\001x'")).toBe("\u0001x");
});

test("a container that is not there is the scenario's mistake, with the names that are", async () => {
  const appengine = localAppengine(STATES, { recovering: "RECOVERING", running: "READY" });
  const wrong = { code: "PVH_NO_CONTAINER", class: "scenario" };
  const message = "no container is named 'nosuch': there are recovering, running";
  const inside = new InsideContainer(appengine, "nosuch");
  await expect(inside.sh("true")).rejects.toMatchObject({ ...wrong, message });
  await expect(inside.pid()).rejects.toMatchObject({ ...wrong, message });
  await expect(inside.python(python`print(1)`)).rejects.toMatchObject({ ...wrong, message });
});

test("a container that does not run is the appengine's failure, with its state", async () => {
  const appengine = localAppengine(STATES, { stopped: "STOPPED", waiting: "BLOCKED" });
  await expect(new InsideContainer(appengine, "stopped").sh("true")).rejects.toMatchObject({
    code: "PVH_CONTAINER_DOWN",
    class: "product",
    message: expect.stringContaining(
      "container 'stopped' does not run (pv-ctrl says STOPPED)",
    ) as string,
  });
  await expect(new InsideContainer(appengine, "waiting").pid()).rejects.toMatchObject({
    message: expect.stringContaining("does not run (pv-ctrl says BLOCKED)") as string,
  });
});

test("a container that dies under a command is told, and one whose command dies is not", async () => {
  const appengine = localAppengine(STATES, { running: "RECOVERING" });
  const inside = new InsideContainer(appengine, "running");
  expect((await inside.sh("kill -9 $$")).exitCode).toBe(137);
  const dying = inside.sh(`printf STOPPED >"$STATES/running"; kill -9 $$`);
  await expect(dying).rejects.toMatchObject({
    code: "PVH_CONTAINER_DOWN",
    message: "container 'running' does not run (pv-ctrl says RECOVERING)",
  });
});

test("a program that fails says how, and one that is missing is a failure of its own", async () => {
  const inside = new InsideContainer(localAppengine(STATES), "running");
  await expect(inside.text("echo why >&2; exit 4")).rejects.toMatchObject({
    code: "PVH_COMMAND",
    message: "in running: echo why >&2; exit 4: exit status 4:\nwhy",
  });
  await expect(inside.text("no-such-program")).rejects.toMatchObject({
    code: "PVH_NO_PROGRAM",
    message: expect.stringContaining("exit status 127") as string,
  });
  await expect(inside.text("kill -9 $$")).rejects.toMatchObject({
    message: expect.stringContaining("exit status 137 (SIGKILL)") as string,
  });
  const failing = python`
    print("x")
    raise ValueError("told")
  `;
  await expect(inside.python(failing)).rejects.toMatchObject({
    code: "PVH_COMMAND",
    message: expect.stringMatching(/line 3[\s\S]*ValueError: told/) as string,
  });
});

test("the traceback of a program that said much is in its failure, with the lines before", async () => {
  const inside = new InsideContainer(localAppengine(STATES), "running");
  const failing = python`
    import sys
    for n in range(30): print(n, file=sys.stderr)
    raise ValueError("told")
  `;
  const error = (await inside.python(failing).catch((thrown: unknown) => thrown)) as Error;
  const [head, omitted, ...words] = error.message.split("\n");
  expect(head).toBe("python in running: exit status 1:");
  expect(omitted).toBe("(13 lines before these)");
  expect(words).toHaveLength(20);
  expect(words).toEqual(expect.arrayContaining(["29", "Traceback (most recent call last):"]));
  expect(words.at(-1)).toBe("ValueError: told");
});
