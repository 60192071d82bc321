import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** An export's members, and what archivers make of them. */
export const CONTENT = Buffer.from("content of an object\n".repeat(60));
export const SHA256 = createHash("sha256").update(CONTENT).digest("hex");
export const OBJECT = `objects/${SHA256}`;
export const FRAGMENT = JSON.stringify({
  "#spec": "pantavisor-service-system@1",
  "a/root.squashfs": SHA256,
  "a/run.json": { name: "a" },
});

/** One header block as tar(5) has it, with its sum. */
export interface Header {
  readonly name?: string | Uint8Array;
  readonly size?: string | Uint8Array;
  readonly flag?: string;
  readonly link?: string;
  readonly magic?: string;
  readonly prefix?: string;
  /** Bytes at 508, where star says that it was there. */
  readonly trailer?: string;
  readonly sum?: "signed" | "wrong";
}

export function header(fields: Header): Buffer {
  const block = Buffer.alloc(512);
  const put = (value: string | Uint8Array, at: number) => {
    block.set(typeof value === "string" ? Buffer.from(value, "utf8") : value, at);
  };
  put(fields.name ?? "x", 0);
  put("0000644\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  put(fields.size ?? octal(0), 124);
  put("00000000000\0", 136);
  put(fields.flag ?? "0", 156);
  put(fields.link ?? "", 157);
  put(fields.magic ?? "ustar\x0000", 257);
  put(fields.prefix ?? "", 345);
  put(fields.trailer ?? "", 508);
  put("        ", 148);
  let sum = 0;
  for (const byte of block) sum += fields.sum === "signed" && byte > 127 ? byte - 256 : byte;
  if (fields.sum === "wrong") sum += 1;
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

export function octal(size: number): string {
  return `${size.toString(8).padStart(11, "0")}\0`;
}

export function file(
  name: string | Uint8Array,
  content: string | Uint8Array,
  more: Header = {},
): Buffer {
  const bytes = Buffer.from(content);
  const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512);
  return Buffer.concat([header({ name, size: octal(bytes.length), ...more }), bytes, padding]);
}

/** A pax header: records by key, in order. */
export function pax(
  flag: "x" | "g",
  ...records: readonly (readonly [string, string | Buffer])[]
): Buffer {
  return file("PaxHeaders/x", Buffer.concat(records.map(([key, value]) => record(key, value))), {
    flag,
  });
}

export function record(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

export const END = Buffer.alloc(1024);
export const JSON_FILE = file("json", FRAGMENT);
export const OBJECT_FILE = file(OBJECT, CONTENT);

export function tar(...members: readonly Buffer[]): Buffer {
  return Buffer.concat([...members, END]);
}

/** The export as a folder, for programs that archive it. */
export function exportFolder(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), "pvh-dialects-"));
  for (const [name, content] of [
    ["json", FRAGMENT],
    [OBJECT, CONTENT],
  ] as const) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

export function isThere(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

/** @returns what a program prints in that folder */
export function made(folder: string, program: string, ...args: readonly string[]): Buffer {
  return execFileSync(program, args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 1 << 24,
  });
}
