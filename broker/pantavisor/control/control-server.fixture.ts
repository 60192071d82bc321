import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, vi } from "vitest";
import { toConfig } from "../appengine-config.ts";
import { openMetaStore } from "../device-meta.ts";
import { collectGarbage, openObjectCatalogue } from "../storage/object-catalogue.ts";
import { settingsOf } from "../settings.ts";
import { stepInstaller } from "../storage/step-installer.ts";
import { openSteps } from "../storage/steps.ts";
import { parseGroups } from "../../shared/formats/groups.ts";
import { autoRecovery } from "../../shared/formats/run-manifest.ts";
import type { ContainerState } from "../lifecycle/container-state.ts";
import { installed } from "../lifecycle/container-state.ts";
import { containerPlan } from "../lifecycle/revision-simulation.fixture.ts";
import { parseQuirks } from "../../shared/quirks/quirks.ts";
import type { Caller } from "./caller.ts";
import { identifyCaller } from "./caller.ts";
import type { PantavisorView } from "./pantavisor-view.ts";
import type { ControlServer } from "./server.ts";
import { serveControl } from "./server.ts";

export const ACTION = '{"action":"stop"}';
export const running: ContainerState = { ...installed, status: "STARTED" };

const recovery = autoRecovery.parse({ policy: "always", max_retries: 3, backoff_policy: "10min" });

let server: ControlServer | undefined;
let folder: string | undefined;

afterEach(() => {
  server?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true });
  folder = undefined;
});

export interface StartOptions {
  /** Parts of the view that replace the usual ones. */
  readonly view?: (storage: string) => Partial<PantavisorView>;
  /** Caller of every request; default: the one that the kernel reports. */
  readonly caller?: Caller;
  readonly onConnection?: (socket: Socket) => void;
}

/** A pv-ctrl on real storage in a temporary folder, with a pantavisor that only takes notes. */
export async function start(quirkList = "", { view, caller, onConnection }: StartOptions = {}) {
  folder = mkdtempSync(join(tmpdir(), "pvh-control-"));
  const quirks = parseQuirks(quirkList);
  const path = join(folder, "pv-ctrl");
  const storage = join(folder, "storage");
  const objects = join(storage, "objects");
  for (const name of ["objects", "trails"]) mkdirSync(join(storage, name), { recursive: true });
  const request = vi.fn<PantavisorView["request"]>();
  const runStep = vi.fn<PantavisorView["runStep"]>(() => Promise.resolve(undefined));
  const makeFactory = vi.fn<PantavisorView["makeFactory"]>();
  const isUpdating = vi.fn<PantavisorView["isUpdating"]>(() => false);
  const overrides = new Map<string, string>();
  const onRefused = vi.fn<PantavisorView["onRefused"]>();
  const end = vi.fn<PantavisorView["end"]>(() => true);
  const container = { plan: containerPlan("c", { recovery }), state: running, roles: ["mgmt"] };
  const daemon = {
    body: () => ({ name: "pv-xconnect", pid: 7, respawn: true }),
    start: vi.fn<() => void>(),
    stop: vi.fn<() => void>(),
  };
  const graph = vi.fn<PantavisorView["graph"]>(() => []);
  const steps = openSteps(storage, () => "0");
  const served: PantavisorView = {
    quirks,
    containers: () => [
      container,
      { plan: containerPlan("s", { restartPolicy: "system" }), state: running, roles: ["mgmt"] },
    ],
    callers: () => [],
    groups: () => parseGroups([{ name: "app" }]).map((group) => ({ group, status: "READY" })),
    graph,
    daemons: () => [daemon],
    drivers: { list: () => [], set: () => undefined },
    request,
    signalReady: vi.fn<PantavisorView["signalReady"]>(),
    end,
    isUpdating,
    isDeparting: () => false,
    runStep,
    makeFactory,
    override: (key, value) => void overrides.set(key, value),
    deviceMeta: openMetaStore(join(storage, "devmeta")),
    userMeta: openMetaStore(join(storage, "usrmeta")),
    objects: openObjectCatalogue(objects, quirks),
    steps: {
      ...steps,
      install: stepInstaller({
        storage,
        inUse: (name) => (name === "locals/now" ? "is running" : undefined),
        plan: () => undefined,
        unsigned: () => undefined,
        quirks,
      }),
    },
    collectGarbage: () =>
      collectGarbage(
        objects,
        steps.list().map(({ name }) => steps.state(name)),
      ),
    onRefused,
    buildInfo: () => "build\n",
    settings: () => settingsOf(toConfig("", {}), overrides),
    ...view?.(storage),
  };
  const identify: typeof identifyCaller = (socket, containers, all) => {
    onConnection?.(socket);
    return caller ?? identifyCaller(socket, containers, all);
  };
  server = await serveControl(path, served, identify);
  /** Sends bytes and reads until the server closes, or `silence` milliseconds pass. */
  const send = (bytes: string, { end = false, silence = 1000 } = {}): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ path, allowHalfOpen: true });
      let text = "";
      const timer = setTimeout(() => socket.destroy(), silence);
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      socket.on("end", () => socket.destroy());
      socket.on("error", () => undefined);
      socket.on("close", () => {
        clearTimeout(timer);
        resolve(text);
      });
      socket.write(bytes);
      if (end) socket.end();
    });
  const call = (method: string, target: string, body?: string): Promise<string> => {
    const length = body === undefined ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    const head = `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${length}Connection: close\r\n`;
    return send(`${head}\r\n${body ?? ""}`);
  };
  return {
    send,
    call,
    request,
    end,
    runStep,
    makeFactory,
    isUpdating,
    daemon,
    container,
    graph,
    storage,
    path,
  };
}

export const statusOf = (reply: string): number => Number(reply.split(" ")[1]);
export const bodyOf = (reply: string): string => reply.split("\r\n\r\n")[1] ?? "";
export const repliesIn = (text: string): number => text.match(/HTTP\/1\.1 /g)?.length ?? 0;
