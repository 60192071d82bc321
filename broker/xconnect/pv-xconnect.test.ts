import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { brokerStatus } from "../shared/formats/broker-status.ts";
import { CtrlStub, dial, readAll } from "./links/broker.fixture.ts";
import { openBrokerFolder } from "./links/broker-folder.ts";
import { ContainerStandIn } from "./links/container-stand-in.fixture.ts";

const ENTRY_POINT = join(import.meta.dirname, "pv-xconnect.main.ts");
const TARGET = "/run/pv/raw.sock";

class Child {
  readonly process: ChildProcess;
  out = "";
  err = "";

  #progress = Promise.withResolvers<undefined>();

  constructor(ctrl: string, quirks = "") {
    this.process = spawn(process.execPath, [ENTRY_POINT, "--ctrl", ctrl], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PVH_QUIRKS: quirks },
    });
    this.process.stdout?.on("data", (chunk: Buffer) => {
      this.out += chunk.toString();
      this.#moved();
    });
    this.process.stderr?.on("data", (chunk: Buffer) => {
      this.err += chunk.toString();
      this.#moved();
    });
    this.process.on("exit", () => this.#moved());
  }

  async line(text: string): Promise<void> {
    await this.until(() => this.out.includes(`${text}\n`));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.process.exitCode !== null) throw new Error(`ended: ${this.out}${this.err}`);
      await this.#progress.promise;
    }
  }

  #moved(): void {
    this.#progress.resolve(undefined);
    this.#progress = Promise.withResolvers();
  }

  async end(): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill("SIGTERM");
      await once(this.process, "close");
    }
    return this.process.exitCode;
  }
}

describe.skipIf(process.getuid?.() !== 0)("pv-xconnect (needs root)", () => {
  let ctrl: CtrlStub;
  let consumer: ContainerStandIn;
  let provider: ContainerStandIn;
  const children: Child[] = [];
  const server = () => createServer((socket) => socket.end("served"));

  const run = (quirks = "") => {
    const child = new Child(ctrl.path, quirks);
    children.push(child);
    return child;
  };

  beforeEach(async () => {
    ctrl = new CtrlStub();
    await ctrl.start();
    [consumer, provider] = await Promise.all([ContainerStandIn.start(), ContainerStandIn.start()]);
    mkdirSync(provider.path("/run/example"));
    ctrl.graph = [
      {
        consumer: "client",
        consumer_pid: consumer.pid,
        provider: "server",
        provider_pid: provider.pid,
        name: "raw",
        type: "unix",
        target: TARGET,
        socket: "/run/example/raw.sock",
      },
    ];
  });

  afterEach(async () => {
    for (const child of children.splice(0)) await child.end();
    await Promise.all([consumer.stop(), provider.stop(), ctrl.stop()]);
  });

  it("prints the documented lines, takes its socket back on SIGTERM and exits 0", async () => {
    const child = run();
    await child.line("Link established: client/raw");
    expect(child.out.split("\n").slice(0, -1)).toEqual([
      "pv-xconnect starting...",
      "Connected to pv-ctrl",
      "Reconciling graph with 1 links",
      `Adding link: client (pid=${consumer.pid}, unix) -> /run/example/raw.sock (inject to: ${TARGET})`,
      `pvx-unix: Injecting socket ${TARGET} into pid ${consumer.pid}`,
      "Link established: client/raw",
    ]);
    expect(lstatSync(consumer.path(TARGET)).mode & 0o777).toBe(0o666);
    expect(await child.end()).toBe(0);
    expect(existsSync(consumer.path(TARGET))).toBe(false);
    expect(child.err).toBe("");
  });

  it("sees a changed graph at SIGHUP", async () => {
    const child = run();
    await child.line("Link established: client/raw");
    ctrl.graph = [];
    child.process.kill("SIGHUP");
    await child.line("Removing link: client/raw");
  });

  it("opens no debugger at SIGUSR1", async () => {
    const child = run();
    await child.line("Link established: client/raw");
    child.process.kill("SIGUSR1");
    ctrl.graph = [];
    child.process.kill("SIGHUP");
    await child.line("Removing link: client/raw");
    // A debugger would have printed its address on stderr before the next signal was handled.
    expect(await child.end()).toBe(0);
    expect(child.err).toBe("");
  });

  it("shows the same lines beside the broker that mediates, and changes nothing", async () => {
    const provided = server().listen(provider.path("/run/example/raw.sock"));
    const first = run();
    await first.line("Link established: client/raw");
    const inode = lstatSync(consumer.path(TARGET)).ino;

    const second = run();
    await second.line("Link established: client/raw");
    const note = `pv-xconnect: process ${first.process.pid} mediates for ${ctrl.path}; this one only shows`;
    expect(second.out.split("\n").filter((line) => line !== note)).toEqual(first.out.split("\n"));
    expect(second.out).toContain(note);
    expect(await second.end()).toBe(0);

    expect(lstatSync(consumer.path(TARGET)).ino).toBe(inode);
    expect(await readAll(await dial(consumer.path(TARGET)))).toBe("served");
    provided.close();
  });

  it("takes over when the broker that mediates is killed", async () => {
    const first = run();
    await first.line("Link established: client/raw");
    const second = run();
    await second.line("Link established: client/raw");
    second.out = "";
    const inode = lstatSync(consumer.path(TARGET)).ino;
    first.process.kill("SIGKILL");
    await second.line("Link established: client/raw");
    expect(lstatSync(consumer.path(TARGET)).ino).not.toBe(inode);
  });

  it("takes back what a killed broker has planted, also for a link that is no more", async () => {
    const first = run();
    await first.line("Link established: client/raw");
    first.process.kill("SIGKILL");
    await once(first.process, "exit");
    expect(existsSync(consumer.path(TARGET))).toBe(true);
    ctrl.graph = [];
    await run().line("Reconciling graph with 0 links");
    expect(existsSync(consumer.path(TARGET))).toBe(false);
  });

  it("broker-orphans leaves it", async () => {
    const first = run();
    await first.line("Link established: client/raw");
    first.process.kill("SIGKILL");
    await once(first.process, "exit");
    ctrl.graph = [];
    await run("broker-orphans").line("Reconciling graph with 0 links");
    expect(existsSync(consumer.path(TARGET))).toBe(true);
  });

  it("keeps its own files where only it can reach them, and one set for one pv-ctrl", async () => {
    const child = run();
    await child.line("Link established: client/raw");
    expect(readdirSync(ctrl.directory)).toEqual(["pv-ctrl"]);
    const alias = join(ctrl.directory, "alias");
    symlinkSync(ctrl.path, alias);
    const files = openBrokerFolder(alias);
    expect(lstatSync(files.lock).mode & 0o7777).toBe(0o600);
    expect(lstatSync(files.status).mode & 0o7777).toBe(0o600);
    const status = brokerStatus.parse(JSON.parse(await readAll(await dial(files.status))));
    expect(status).toMatchObject({ pid: child.process.pid, ctrl: ctrl.path });
    expect(status.links).toMatchObject([{ name: "raw", state: "established", open: 0 }]);
    await child.end();
    expect(Object.values(files).filter(existsSync)).toEqual([]);
  });

  it("serves links though its journal cannot be written, and says so once", async () => {
    const { planted } = openBrokerFolder(ctrl.path);
    mkdirSync(planted);
    try {
      const child = run();
      await child.line("Link established: client/raw");
      ctrl.graph = [];
      child.process.kill("SIGHUP");
      await child.line("Removing link: client/raw");
      await child.until(() => child.err.includes("\n"));
      rmdirSync(planted);
      expect(await child.end()).toBe(0);
      expect(child.err).toMatch(/^what is planted would outlive a killed broker: EISDIR.*\n$/);
      expect(child.out).not.toMatch(/Failed|Connected[^]*Connected/);
    } finally {
      rmSync(planted, { recursive: true, force: true });
    }
  });

  it("keeps trying while pv-ctrl is not there yet", async () => {
    await ctrl.stop();
    ctrl = new CtrlStub();
    const child = run();
    await child.until(() => child.err.endsWith("\n"));
    expect(child.err).toMatch(/^Failed to initiate connection to pv-ctrl: .*ENOENT.*\n$/);
    await ctrl.start();
    await child.line("Connected to pv-ctrl");
  });

  it("refuses unknown options and quirks", async () => {
    const child = run("no-such-quirk");
    await once(child.process, "close");
    expect(child.process.exitCode).not.toBe(0);
    expect(child.err).toContain("no-such-quirk");
  });

  it("xconnect-silent prints nothing before it ends", async () => {
    const child = run("xconnect-silent");
    while (!existsSync(consumer.path(TARGET))) await new Promise(setImmediate);
    expect(child.out).toBe("");
    await child.end();
    expect(child.out).toContain("Link established: client/raw\n");
  });

  it("poll-only does not react to SIGHUP", async () => {
    const child = run("poll-only");
    await child.line("Link established: client/raw");
    const { requests } = ctrl;
    child.process.kill("SIGHUP");
    // SIGTERM is handled after SIGHUP, so a request caused by SIGHUP would be counted by now.
    expect(await child.end()).toBe(0);
    expect(ctrl.requests).toBe(requests);
  });

  it("second-broker-wipes replaces the socket and leaves none behind", async () => {
    const first = run("second-broker-wipes");
    await first.line("Link established: client/raw");
    const inode = lstatSync(consumer.path(TARGET)).ino;
    const second = run("second-broker-wipes");
    await second.line("Link established: client/raw");
    expect(lstatSync(consumer.path(TARGET)).ino).not.toBe(inode);
    await second.end();
    expect(existsSync(consumer.path(TARGET))).toBe(false);
    ctrl.graph = [];
    first.process.kill("SIGHUP");
    await first.line("Removing link: client/raw");
  });

  it("socket-not-replanted is not the default", async () => {
    const child = run();
    await child.line("Link established: client/raw");
    unlinkSync(consumer.path(TARGET));
    child.out = "";
    child.process.kill("SIGHUP");
    await child.line("Link established: client/raw");
    expect(existsSync(consumer.path(TARGET))).toBe(true);
  });
});
