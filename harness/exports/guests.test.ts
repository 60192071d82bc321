import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { PROJECT } from "../image/sources.ts";

/** Where `npm run test-tools` puts compilers. */
const TOOLS = join(PROJECT, ".pvh/test-tools/node_modules/.bin");
const env = { ...process.env, PATH: `${TOOLS}:${process.env["PATH"] ?? ""}` };
const run = promisify(execFile);
const GUESTS = "containers/guests";
const SOURCES = [
  "containers/**/*.{wasm,as,c,h}",
  "scenarios/wasm/guests/*.{wasm,wat,c}",
  `${GUESTS}/build.sh`,
];
/** Compilers of build.sh, with the versions that made the modules: others write other bytes. */
const COMPILERS = { clang: "14.", "wasm-ld": "14.", asc: "0.28.20", wat2wasm: "1.0.39" };

const sums = new Map(
  readFileSync(join(PROJECT, GUESTS, "SHA256SUMS"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => [line.slice(66), line.slice(0, 64)] as const),
);

test("each WebAssembly guest was built of the sources that are here", () => {
  const files = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: PROJECT })).sort();
  expect(files.map((file) => [file, sha256(join(PROJECT, file))])).toEqual([...sums].sort());
});

test("building them again gives the same bytes", async ({ skip }) => {
  const missing = await missingCompilers();
  if (missing.length > 0) skip(`not here: ${missing.join(", ")}; npm run test-tools`);
  const out = await mkdtemp(join(tmpdir(), "pvh-guests-"));
  try {
    await run(join(PROJECT, GUESTS, "build.sh"), [out], { env });
    const modules = [...sums].filter(([file]) => file.endsWith(".wasm"));
    expect(modules.map(([file]) => [file, sha256(join(out, file))])).toEqual(modules);
  } finally {
    await rm(out, { recursive: true });
  }
}, 300_000);

async function missingCompilers(): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(COMPILERS).map(async ([name, version]) => {
      const { stdout } = await run(name, ["--version"], { env }).catch(() => ({ stdout: "" }));
      return {
        name: `${name} ${version}`,
        isThere: stdout.match(/\d+\.[\d.]+/)?.[0].startsWith(version),
      };
    }),
  );
  return found.flatMap(({ name, isThere }) => (isThere === true ? [] : [name]));
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
