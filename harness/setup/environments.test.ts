import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, describe, expect, test } from "vitest";

/** The real command line, in places and environments that are not as they should be. */
const CLONE = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "pvh-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Said> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, {
    env: { ...process.env, VITEST: undefined, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 50_000,
    killSignal: "SIGKILL",
  });
  const [out, err] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code: child.exitCode, out, err };
}

const pvh = join(CLONE, "harness/setup/pvh");
const version = /^\d+\.\d+\.\d+\n$/;

describe("pvh works", () => {
  test.each<[string, NodeJS.ProcessEnv]>([
    ["without HOME", { HOME: undefined }],
    ["with an empty HOME", { HOME: "" }],
    ["with a HOME that is a file", { HOME: "/etc/passwd" }],
    ["with a HOME where nothing can be made", { HOME: "/proc" }],
    [
      "with XDG folders where nothing can be made",
      { XDG_CACHE_HOME: "/proc/x", XDG_STATE_HOME: "/proc/x" },
    ],
    ["with relative XDG folders", { XDG_CACHE_HOME: "rel", XDG_STATE_HOME: "rel" }],
    ["with a TMPDIR that is missing", { TMPDIR: "/nonexistent" }],
    ["with NODE_ENV=production", { NODE_ENV: "production" }],
    ["with NODE_OPTIONS that mean nothing", { NODE_OPTIONS: "--nonsense" }],
    ["with a compile cache where nothing can be made", { NODE_COMPILE_CACHE: "/proc/x" }],
    [
      "with a locale and a zone that are not there",
      { LC_ALL: "xx_YY", LANG: "x", TZ: "Mars/Phobos" },
    ],
    ["with an empty PATH", { PATH: "" }],
  ])("%s", async (_what, env) => {
    const said = await run([pvh, "--version"], env);
    expect(said).toMatchObject({ code: 0, out: expect.stringMatching(version) as string });
  });

  test.each([
    ["with a closed stdin", `exec "$0" --version <&-`],
    ["with the umask 077", `umask 077; exec "$0" --version`],
    ["in a removed folder", `cd "$1" && rmdir "$1" && exec "$0" --version`],
  ])("%s", async (_what, script) => {
    const gone = mkdtempSync(join(folder, "gone-"));
    const said = await run(["sh", "-c", script, pvh, gone]);
    expect(said).toMatchObject({ code: 0, out: expect.stringMatching(version) as string });
  });
});

test("a run in a removed folder is refused as that, before anything is made", async () => {
  const gone = mkdtempSync(join(folder, "gone-"));
  const script = `cd "$1" && rmdir "$1" && exec "$0" scenario drm-device`;
  const said = await run(["sh", "-c", script, pvh, gone]);
  expect(said.err).toContain("the working directory no longer exists [PVH_USAGE]");
  expect(said.code).toBe(2);
});

/** Only root has mount namespaces without more ado. */
const mounts = process.getuid?.() === 0;

describe.skipIf(!mounts)("a clone in a folder", () => {
  // vitest in vitest: the test of a test's own verdict is that a file which is not there fails.
  test.each(["a%2Fb", "100%", "a#b", "a?b", "a b", "[a]{b,c}*", `'"$(x)\`y`, "ü\nx"])(
    "%j runs pvh and unit tests",
    async (name) => {
      const odd = join(folder, name);
      mkdirSync(odd);
      const script = `
        mount --bind "$0" "$1" && cd "$1" && harness/setup/pvh ls unix-half-close --json &&
        exec node_modules/node-linux-*/bin/node node_modules/vitest/vitest.mjs run \
          --configLoader native --project unit reports/error-codes.test.ts`;
      const said = await run(["unshare", "-m", "sh", "-c", script, CLONE, odd]);
      expect(said).toMatchObject({
        code: 0,
        out: expect.stringMatching(/"unix-half-close"[\s\S]*1 passed/) as string,
      });
    },
  );

  test("with a backslash is refused as that", async () => {
    const odd = join(folder, "a\\b");
    mkdirSync(odd);
    const script = `mount --bind "$0" "$1" && exec "$1/harness/setup/pvh" --version`;
    const said = await run(["unshare", "-m", "sh", "-c", script, CLONE, odd]);
    expect(said).toMatchObject({ code: 3, err: expect.stringContaining("backslash") as string });
  });

  test("that is read-only runs pvh from elsewhere, and is told as that from within", async () => {
    const place = join(folder, "read-only");
    mkdirSync(place);
    const script = `
      mount --bind "$0" "$1" && mount -o remount,bind,ro "$1" && cd "$1" &&
      harness/setup/pvh --version && exec harness/setup/pvh scenario drm-device`;
    const said = await run(["unshare", "-m", "sh", "-c", script, CLONE, place]);
    expect(said.out).toMatch(version);
    expect(said.err).toMatch(/PVH_NO_ACCESS/);
    expect(said.err).not.toContain("bug in pvh");
    expect(said.code).toBe(3);
  });
});
