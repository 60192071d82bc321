import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { none, parseQuirks } from "../../shared/quirks/quirks.ts";
import { fetchGraph } from "./graph-client.ts";

const ENTRY = { consumer: "c", consumer_pid: 1, name: "n", type: "unix", socket: "/s" };
const { signal } = new AbortController();
const directory = mkdtempSync(join(tmpdir(), "pvh-graph-"));
const ctrl = join(directory, "pv-ctrl");
let server: Server | undefined;

/** A pv-ctrl that sends these pieces, one after the other, and closes unless told to hang. */
async function answer(pieces: string[], { hang = false } = {}): Promise<{ request: string }> {
  const seen = { request: "" };
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (bytes: Buffer) => {
      seen.request = bytes.toString();
      void (async () => {
        for (const piece of pieces) {
          await new Promise((resolve) => socket.write(piece, resolve));
          await new Promise(setImmediate);
        }
        if (!hang) socket.end();
      })();
    });
  });
  server.listen(ctrl);
  await once(server, "listening");
  return seen;
}

afterEach(async () => {
  if (server?.listening === true) {
    server.close();
    await once(server, "close");
  }
});

describe("fetchGraph", () => {
  it("reads a body of any size that arrives in pieces and ends with the connection", async () => {
    const body = JSON.stringify(Array.from({ length: 500 }, () => ENTRY));
    const middle = body.length >> 1;
    const seen = await answer([
      "HTTP/1.0 200 OK\r\n",
      "Content-Type: application/json\r\n\r\n",
      body.slice(0, middle),
      body.slice(middle),
    ]);
    const { entries } = await fetchGraph(ctrl, { signal, timeout: 2_000, quirks: none });
    expect(entries).toHaveLength(500);
    expect(seen.request).toMatch(/^GET \/xconnect-graph HTTP\/1\.1\r\n/);
    expect(seen.request).toMatch(/\r\nHost: localhost\r\n/i);
  });

  it("fails at its deadline when pv-ctrl does not answer", async () => {
    await answer(["HTTP/1.0 200 OK\r\n"], { hang: true });
    await expect(fetchGraph(ctrl, { signal, timeout: 50, quirks: none })).rejects.toThrow(/abort/i);
  });

  it("fails with the status, or because the body is not a graph", async () => {
    await answer(["HTTP/1.0 403 Forbidden\r\n\r\n", "{}"]);
    await expect(fetchGraph(ctrl, { signal, timeout: 2_000, quirks: none })).rejects.toThrow(
      "status 403",
    );
    server?.close();
    await answer(["HTTP/1.0 200 OK\r\n\r\n", '{"Error":"x"}']);
    await expect(fetchGraph(ctrl, { signal, timeout: 2_000, quirks: none })).rejects.toThrow(
      "Failed to parse graph JSON",
    );
  });

  it("fails when pv-ctrl switches protocols", async () => {
    await answer(
      ["HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
      {
        hang: true,
      },
    );
    await expect(fetchGraph(ctrl, { signal, timeout: 2_000, quirks: none })).rejects.toThrow(
      "status 101",
    );
  });

  it("refuses a graph that is nested without end before it is parsed", async () => {
    const nested = `[${JSON.stringify(ENTRY).slice(0, -1)},"rules":${"[".repeat(100)}${"]".repeat(100)}}]`;
    await answer(["HTTP/1.0 200 OK\r\n\r\n", nested]);
    const fetched = fetchGraph(ctrl, { signal, timeout: 2_000, quirks: none });
    await expect(fetched).rejects.toThrow("Failed to parse graph JSON");
  });

  it("leaves out an entry that cannot be read, and names it", async () => {
    const graph = [{ ...ENTRY, consumer_start: "x" }, ENTRY, { ...ENTRY, name: 7 }, null];
    await answer(["HTTP/1.0 200 OK\r\n\r\n", JSON.stringify(graph)]);
    const { entries, unreadable } = await fetchGraph(ctrl, {
      signal,
      timeout: 2_000,
      quirks: none,
    });
    expect(entries.map(({ name }) => name)).toEqual(["n"]);
    expect(unreadable.map(({ link }) => link)).toEqual([
      "c/n",
      "entry 2 of the graph",
      "entry 3 of the graph",
    ]);
    expect(unreadable[0]?.problem).toContain("consumer_start");
  });

  it("graph-first-read-only does not understand a graph that arrives in parts", async () => {
    const quirks = parseQuirks("graph-first-read-only");
    await answer(["HTTP/1.0 200 OK\r\n\r\n[", " ".repeat(200_000), "]"]);
    await expect(fetchGraph(ctrl, { signal, timeout: 2_000, quirks })).rejects.toThrow(
      "Failed to parse graph JSON",
    );
  });

  it("fails when nobody listens", async () => {
    rmSync(ctrl, { force: true });
    await expect(fetchGraph(ctrl, { signal, timeout: 2_000, quirks: none })).rejects.toThrow(
      "ENOENT",
    );
  });
});
