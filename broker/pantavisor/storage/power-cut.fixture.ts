import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pack } from "tar-stream";
import { readBootEnvironment } from "./boot-environment.ts";
import { ensureBootFile } from "./boot-environment.ts";
import { readProgress } from "./step-progress.ts";

const sha256 = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

/** Two objects, one of them large enough to be caught in the middle. */
const contents = [Buffer.alloc(300_000, "large"), Buffer.from("small")];
export const OBJECTS = new Map(contents.map((content) => [sha256(content), content]));
const [large = "", small = ""] = OBJECTS.keys();

const SPEC = { "#spec": "pantavisor-service-system@1" };
/** States that a revision may have; any other state is half of one. */
export const STATES: readonly Readonly<Record<string, unknown>>[] = [
  { ...SPEC, "a/run.json": { name: "a" }, "a/root.squashfs": large },
  { ...SPEC, "a/run.json": { name: "a", version: 2 }, "a/x/y": small, "b/z": large, "b/w": small },
];
export const REVISIONS = ["0", "locals/a", "locals/b"] as const;
export const EXPORT_FILE = "export.tar";

/** A storage with every revision in place, and an export to add. */
export async function prepareStorage(folder: string): Promise<void> {
  for (const name of ["objects", "trails/locals", "boot"]) {
    mkdirSync(join(folder, "storage", name), { recursive: true });
  }
  ensureBootFile(join(folder, "storage/boot/uboot.txt"));
  const archive = pack();
  archive.entry({ name: "json" }, JSON.stringify(STATES[0]));
  for (const [name, content] of OBJECTS) archive.entry({ name: `objects/${name}` }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  writeFileSync(join(folder, EXPORT_FILE), Buffer.concat(chunks));
}

/** Let a writer work on it and kill it `milliseconds` after it has begun. */
export async function writeAndKill(
  folder: string,
  seed: number,
  milliseconds: number,
): Promise<void> {
  const program = join(import.meta.dirname, "power-cut.writer.fixture.ts");
  const writer = spawn(process.execPath, [program, folder, String(seed)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  writer.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = once(writer, "close");
  await Promise.race([once(writer.stdout, "data"), ended]);
  await pause(milliseconds);
  writer.kill("SIGKILL");
  const [, signal] = (await ended) as [number | null, string | null];
  if (signal !== "SIGKILL") throw new Error(`the writer ended by itself: ${errors}`);
}

/** Paths and facts that are wrong after recovery; empty when all is well. */
export function findDamage(storage: string): string[] {
  const damage: string[] = [];
  const objects = join(storage, "objects");
  for (const name of readdirSync(objects)) {
    if (sha256(readFileSync(join(objects, name))) !== name) damage.push(`objects/${name}`);
  }
  const trails = join(storage, "trails");
  const names = [
    ...readdirSync(trails).filter((name) => name !== "locals"),
    ...readdirSync(join(trails, "locals")).map((name) => `locals/${name}`),
  ];
  for (const name of names) {
    if (!(REVISIONS as readonly string[]).includes(name)) damage.push(`trails/${name} is left`);
    else damage.push(...damageOf(join(trails, name)).map((what) => `trails/${name}: ${what}`));
  }
  const boot = readFileSync(join(storage, "boot/uboot.txt"), "utf8");
  if (!/^pv_rev=[^\0]+\0(pv_try=[^\0]+\0)?$/.test(boot)) damage.push(`boot file: ${boot}`);
  const { revision, trying = revision } = readBootEnvironment(join(storage, "boot/uboot.txt"));
  for (const one of [revision, trying]) {
    if (!(REVISIONS as readonly string[]).includes(one)) damage.push(`boots ${one}`);
  }
  return damage;
}

function damageOf(folder: string): string[] {
  if (!existsSync(join(folder, ".pvr/json"))) return ["has no state"];
  const text = readFileSync(join(folder, ".pvr/json"), "utf8");
  const state = STATES.find((one) => JSON.stringify(one) === text);
  if (state === undefined) return [`has the state ${text}`];
  const { status } = readProgress(folder);
  const damage = ["NEW", "TESTING", "DONE"].includes(String(status))
    ? []
    : [`is ${String(status)}`];
  for (const [key, value] of Object.entries(state)) {
    if (key === "#spec") continue;
    const path = join(folder, key);
    const content = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    const good =
      typeof value === "string"
        ? sha256(content) === value
        : content.toString() === JSON.stringify(value);
    if (!good) damage.push(`${key} is not what the state says`);
  }
  return damage;
}
