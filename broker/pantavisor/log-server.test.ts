import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, mkdirSync } from "node:fs";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { none } from "../shared/quirks/quirks.ts";
import type { Caller } from "./control/caller.ts";
import { LogServer } from "./log-server.ts";

let folder: string;
let server: LogServer;
let lines: string[];
let caller: Caller;
const at = (...path: string[]) => join(folder, ...path);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-log-"));
  lines = [];
  caller = { kind: "container", pid: 1, name: "c" };
  server = new LogServer({
    path: at("socket"),
    log: {
      write: (_level, _module, message) => void lines.push(message),
      effect: () => undefined,
      moveTo: () => undefined,
      [Symbol.dispose]: () => undefined,
    },
    level: 4,
    folder: () => at("logs"),
    identify: () => caller,
    quirks: none,
  });
});
afterEach(() => {
  server[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

const SEND = `
import json, socket, sys
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sender.connect(sys.argv[1])
for message in json.loads(sys.argv[2]): sender.send(message.encode())
`;

async function send(...messages: string[]): Promise<void> {
  await promisify(execFile)("python3", ["-c", SEND, at("socket"), JSON.stringify(messages)]);
}

const read = (...path: string[]) => readFileSync(at("logs", ...path), "utf8");

it("messages become lines of their sender's files, in their order", async () => {
  await send(
    "level=INFO src=a message=1",
    "level=INFO src=b message=2",
    "level=ERROR src=a message=3",
  );
  await vi.waitFor(() => expect(read("c", "a")).toBe("1\n3\n"));
  expect(read("c", "b")).toBe("2\n");
});

it("a sender that is gone has a folder of its own", async () => {
  caller = { kind: "unknown", pid: 7 };
  await send("level=INFO src=a message=1");
  await vi.waitFor(() => expect(read("unknown-platform", "a")).toBe("1\n"));
});

it("a source is no path", async () => {
  await send("level=INFO src=../../x message=1", "level=INFO src=.. message=2");
  await vi.waitFor(() => expect(read("c", "_")).toBe("2\n"));
  expect(readdirSync(at("logs/c")).sort()).toEqual([".._.._x", "_"]);
  expect(readdirSync(folder).sort()).toEqual(["logs", "socket"]);
});

it("a link in the place of a file is not followed", async () => {
  mkdirSync(at("logs/c"), { recursive: true });
  symlinkSync(at("elsewhere"), at("logs/c/a"));
  await send("level=INFO src=a message=1");
  await vi.waitFor(() => expect(lines.join()).toContain("ELOOP"));
  expect(readdirSync(folder)).not.toContain("elsewhere");
});

it("further sources share one file", async () => {
  const sources = Array.from({ length: 70 }, (_, index) => `s${index}`);
  await send(...sources.map((source) => `level=INFO src=${source} message=x`));
  await vi.waitFor(() => expect(read("c", "other")).toBe("x\n".repeat(6)));
  expect(readdirSync(at("logs/c"))).toHaveLength(65);
});

it("what is dropped is told of at most once a second, with its number", async () => {
  await send("a", "b", "c");
  await send("level=TRACE src=a message=1", "level=INFO src=end message=1");
  await vi.waitFor(() => expect(read("c", "end")).toBe("1\n"));
  expect(lines).toEqual(["(logserver_drop:1) a message of 'c' is none of the formats; 1 dropped"]);
  expect(readdirSync(at("logs/c"))).toEqual(["end"]);
});
