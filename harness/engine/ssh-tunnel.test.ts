import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test, vi } from "vitest";
import { until } from "../until.ts";
import { fakeEngine, http } from "./fake-engine.fixture.ts";
import { findEngine } from "./find-engine.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Begin of a stand-in for ssh that finds the two ends of the forwarding; it notes its arguments. */
const STAND_IN = `
  import { writeFileSync } from "node:fs";
  import { connect, createServer } from "node:net";
  const args = process.argv.slice(2);
  const [near, far] = args[args.indexOf("-L") + 1].split(":");
  writeFileSync(process.argv[1] + ".args", JSON.stringify({ args, pid: process.pid }));`;
const FORWARDS = `
  createServer({ allowHalfOpen: true }, (from) => {
    const to = connect({ path: far, allowHalfOpen: true });
    from.pipe(to).pipe(from);
    to.on("error", (error) => { console.error("open failed: " + error.code); from.destroy(); });
    from.on("error", () => to.destroy());
  }).listen(near);`;

/** Put a program in place of ssh; it is ended with its standard input, as by WITH_US. */
function standIn(does: string): { readonly called: () => { args: string[]; pid: number } } {
  const folder = mkdtempSync(join(tmpdir(), "pvh-ssh-stand-in-"));
  const program = join(folder, "ssh");
  const module = join(folder, "ssh.mjs");
  writeFileSync(module, STAND_IN + does);
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${module}' "$@"\n`, {
    mode: 0o755,
  });
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"] ?? ""}`);
  return {
    called: () =>
      JSON.parse(readFileSync(`${module}.args`, "utf8")) as { args: string[]; pid: number },
  };
}

const engineThere = () =>
  fakeEngine((socket, path) => {
    const info = { Name: "build-host" };
    const answer = path.endsWith("/info") ? info : { ApiVersion: "1.43", Version: "v" };
    socket.end(http(200, "application/json", JSON.stringify(answer)));
  });

test("an engine is reached by the ssh of the user, and is on another machine", async () => {
  await using there = await engineThere();
  const ssh = standIn(FORWARDS);
  vi.stubEnv("DOCKER_HOST", `ssh://me@build-host:2222${there.address.path}`);
  const engine = await findEngine();
  expect(engine).toMatchObject({
    ssh: `ssh://me@build-host:2222${there.address.path}`,
    version: "v",
    sameMachine: false,
  });
  expect(engine.host).toMatch(/^unix:\/\/.*\/engine\.sock$/);
  const { args } = ssh.called();
  expect(args.slice(-2)).toEqual(["--", "ssh://me@build-host:2222"]);
  expect(args).toContain("BatchMode=yes");
});

test("ssh's own words say why there is no tunnel", async () => {
  standIn(`console.error("me@build-host: Permission denied (publickey)."); process.exit(255);`);
  vi.stubEnv("DOCKER_HOST", "ssh://me@build-host");
  await expect(findEngine()).rejects.toMatchObject({
    code: "PVH_ENGINE_UNREACHABLE",
    message: expect.stringMatching(
      /DOCKER_HOST=ssh:\/\/me@build-host.*Permission denied/,
    ) as string,
    hint: expect.stringContaining("ssh ssh://me@build-host docker version") as string,
  });
});

test("a socket that nobody serves over there is named", async () => {
  standIn(FORWARDS);
  vi.stubEnv("DOCKER_HOST", "ssh://me@build-host/run/none.sock");
  await expect(findEngine()).rejects.toMatchObject({
    code: "PVH_ENGINE_UNREACHABLE",
    message: expect.stringMatching(
      /\/run\/none\.sock of ssh:\/\/me@build-host does not answer: open failed: ENOENT/,
    ) as string,
  });
});

test("ssh ends with a pvh that is killed, and leaves no socket", async () => {
  await using there = await engineThere();
  const ssh = standIn(FORWARDS);
  const program = `
    import { findEngine } from ${JSON.stringify(join(import.meta.dirname, "find-engine.ts"))};
    console.log((await findEngine()).host);
    setInterval(() => undefined, 1000);`;
  const pvh = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
    env: { ...process.env, DOCKER_HOST: `ssh://h${there.address.path}` },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface(pvh.stdout), "line")) as [string];
  const folder = dirname(line.replace("unix://", ""));
  const { pid } = ssh.called();
  expect(existsSync(folder)).toBe(true);
  pvh.kill("SIGKILL");
  await until("ssh to end", () => !existsSync(`/proc/${pid}`), { timeout: 10_000 });
  await until("its folder to go", () => !existsSync(folder), { timeout: 10_000 });
});
