import { expect, test } from "vitest";
import { InsideContainer } from "../../harness/appengine/inside.ts";
import { localAppengine } from "../../harness/appengine/testdata/local-appengine.ts";
import { python } from "../../harness/appengine/python.ts";
import { Program } from "./program.ts";

test("a program that ends without a line says its status and its last words", async () => {
  await using program = await Program.python(
    localAppengine({}),
    python`
      import sys
      for n in range(30): print(n, file=sys.stderr)
      raise RuntimeError("the reason")
    `,
  );
  const error = await program.line(10_000).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "PVH_COMMAND", class: "product" });
  const { message } = error as Error;
  expect(message).toContain("python in an appengine ended without a line: exit status 1:");
  expect(message).toContain("\n29\nTraceback");
  expect(message.endsWith("RuntimeError: the reason")).toBe(true);
  expect(message.split("\n")).toHaveLength(22);
});

test("a signal that ended it is named", async () => {
  await using program = await Program.start(localAppengine({}), ["sh", "-c", "kill -9 $$"]);
  await expect(program.line(10_000)).rejects.toMatchObject({
    message: expect.stringContaining("exit status 137 (SIGKILL)") as string,
  });
});

test("a program that cannot be started is not one that printed the engine's words", async () => {
  await using program = await Program.start(localAppengine({}), ["no-such-program"]);
  await expect(program.line(10_000)).rejects.toMatchObject({
    code: "PVH_NO_PROGRAM",
    message: expect.stringContaining("OCI runtime exec failed") as string,
  });
});

test("a program in a container that is not there, or stops, is told so", async () => {
  const appengine = localAppengine({ here: "RUNNING" }, { here: "STARTED" });
  const lost = Program.python(new InsideContainer(appengine, "nosuch"), python`print(1)`);
  await expect(lost).rejects.toMatchObject({
    code: "PVH_NO_CONTAINER",
    message: "no container is named 'nosuch': there are here",
  });
  await using killed = await Program.python(
    new InsideContainer(appengine, "here"),
    python`
      import os, signal
      print("up")
      input()
      os.kill(os.getpid(), signal.SIGKILL)
    `,
  );
  expect(await killed.line(10_000)).toBe("up");
  appengine.set("here", "STOPPED");
  killed.say("");
  await expect(killed.line(10_000)).rejects.toMatchObject({ code: "PVH_CONTAINER_DOWN" });
});

test("a line that comes after a time-out is the next line", async () => {
  await using program = await Program.start(localAppengine({}), ["sh", "-c", "read x; echo $x"]);
  await expect(program.line(50)).rejects.toMatchObject({ code: "PVH_TIMEOUT" });
  program.say("late");
  expect(await program.line(10_000)).toBe("late");
});

test("a line without end is cut, and says how much of it is missing", async () => {
  const much = "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo next";
  await using program = await Program.start(localAppengine({}), ["sh", "-c", much]);
  expect(await program.line(20_000)).toMatch(/^x{1048576}… \(1951424 more characters\)$/);
  expect(await program.line(20_000)).toBe("next");
});
