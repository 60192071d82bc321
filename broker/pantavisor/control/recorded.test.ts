import { mkdirSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeDevice, openMetaStore } from "../device-meta.ts";
import { withAutomaticMeta } from "../automatic-meta.ts";
import { progressOf, writeProgress } from "../storage/step-progress.ts";
import {
  containersBody,
  daemonsBody,
  groupsBody,
  objectsBody,
} from "../../shared/formats/control.ts";
import type { ContainerBody } from "../../shared/formats/control.ts";
import { parseGraph } from "../../shared/formats/graph.ts";
import { parseGroups } from "../../shared/formats/groups.ts";
import { autoRecovery } from "../../shared/formats/run-manifest.ts";
import { buildGraph } from "../service-graph.ts";
import { STATE_SPEC, parseState } from "../../shared/formats/state.ts";
import { installed } from "../lifecycle/container-state.ts";
import { COMPAT } from "../../shared/quirks/compat.ts";
import { none, parseQuirks } from "../../shared/quirks/quirks.ts";
import type { Caller } from "./caller.ts";
import { start } from "./control-server.fixture.ts";
import type { ContainerView, PantavisorView } from "./pantavisor-view.ts";
import type { Difference } from "./recorded-differences.fixture.ts";
import { differencesBetween } from "./recorded-differences.fixture.ts";
import type { RecordedExchange } from "./recorded-exchange.fixture.ts";
import { parseReplies, recordedExchanges, recordedText } from "./recorded-exchange.fixture.ts";

/** Where our replies may differ from the recorded ones, and why. Each line has to be needed. */
interface Explanation {
  readonly what: RegExp;
  readonly field: RegExp;
  readonly why: string;
  /** Both have the field, with values of one type. */
  readonly sameType?: true;
}

const EXPLAINED: readonly Explanation[] = [
  {
    what: /GET \/device-meta$/,
    field: /^body\/(storage|sysinfo|time|pantavisor\.(uname|cpumodel|version|arch))\b/,
    why: "facts about the machine and the build it was recorded on",
    sameType: true,
  },
  {
    what: /GET \/device-meta$/,
    field: /^body\/interfaces\//,
    why: "the network interfaces of the machine it was recorded on",
  },
  {
    what: /06-.*: LF only$/,
    field: /^(status|type|body)/,
    why: "node:http takes no bare line feed for the end of a line: a way to smuggle requests",
  },
  {
    what: /GET \/buildinfo$/,
    field: /^body$/,
    why: "the recorded build had no manifest",
  },
  {
    what: /HEAD daemons$/,
    field: /^body/,
    why: "a reply to HEAD has no body (RFC 9110, 9.3.2); node:http cannot send one",
  },
  {
    what: /lowercase method$/,
    field: /^replies$/,
    why: "node:http refuses the method before anybody sees the Host",
  },
  {
    what: /PUT (stop app|restart app|stop stubborn)$/,
    field: /^replies$/,
    why: "the real one answers when the stop is over: the recording did not wait so long",
  },
  {
    what: /06-.*: (long uri|long seg|PUT long seg|PUT stop)$/,
    field: /^(replies|status)$/,
    why: "the long path ended pantavisor (long-path-crash): nobody answered until it was back",
  },
];

/** With `long-path-crash` a recorded request would end this process. */
const QUIRKS = COMPAT.filter((quirk) => quirk !== "long-path-crash").join(",");

const recorded03 = recordedExchanges("03-ctrl-get-raw.txt");
const recordedBody = (path: string): unknown =>
  JSON.parse(recorded03.find(({ what }) => what.endsWith(`: GET ${path}`))?.replies[0]?.body ?? "");

const bodies = containersBody.parse(recordedBody("/containers"));
const links = parseGraph(recordedBody("/xconnect-graph"));

function containerView(body: ContainerBody): ContainerView {
  const { auto_recovery: recovery } = body;
  return {
    plan: {
      name: body.name,
      group: body.group ?? "",
      statusGoal: body.status_goal,
      restartPolicy: body.restart_policy,
      recovery: recovery === undefined ? undefined : autoRecovery.parse(recovery),
    },
    state: { ...installed, status: body.status, retries: recovery?.current_retries ?? 0 },
    roles: body.roles,
  };
}

/** The manifests that the recorded graph was made from. */
function recordedState() {
  const entries = bodies.flatMap(({ name }) => {
    const required = links
      .filter(({ consumer }) => consumer === name)
      .map(({ name: service, role, interface: face, target, type }) => ({
        name: service,
        target,
        ...(role === "any" ? {} : { role }),
        ...(face === type ? {} : { interface: face }),
      }));
    const exported = links.filter(({ provider }) => provider === name);
    const services = new Map(
      exported.map(({ name: service, type, socket }) => [service, { name: service, type, socket }]),
    );
    return [
      [`${name}/run.json`, { name, services: { required } }],
      [`${name}/services.json`, [...services.values()]],
    ] as const;
  });
  return parseState({ "#spec": STATE_SPEC, ...Object.fromEntries(entries) }, none);
}

/** A pantavisor in the recorded situation, on storage that looks like the recorded one. */
async function compat(caller: Caller) {
  const quirks = parseQuirks(QUIRKS);
  const pids = new Map(
    links.flatMap((link) => [
      [link.consumer, link.consumer_pid] as const,
      [link.provider, link.provider_pid] as const,
    ]),
  );
  const state = recordedState();
  const containers = bodies.map(containerView);
  const groups = groupsBody.parse(recordedBody("/groups"));
  const daemons = daemonsBody.parse(recordedBody("/daemons"));
  const view = (storage: string): Partial<PantavisorView> => ({
    containers: () => containers,
    groups: () => parseGroups(groups).map((group) => ({ group, status: "READY" })),
    daemons: () =>
      daemons.map((body) => ({ body: () => body, start: () => undefined, stop: () => undefined })),
    graph: () =>
      buildGraph(state.containers, (name) => ({ pid: pids.get(name) ?? -1, startTime: 7 }), quirks),
    deviceMeta: withAutomaticMeta(openMetaStore(join(storage, "devmeta")), storage),
  });
  const server = await start(QUIRKS, { view, caller });
  const { storage } = server;
  for (const { sha256, size } of objectsBody.parse(recordedBody("/objects"))) {
    const file = join(storage, "objects", sha256);
    writeFileSync(file, "");
    truncateSync(file, Number(size));
  }
  const trail = join(storage, "trails/0");
  for (const folder of [".pvr", ".pv"]) mkdirSync(join(trail, folder), { recursive: true });
  writeFileSync(join(trail, ".pvr/json"), "{}");
  writeProgress(trail, progressOf.factory);
  const [step] = recordedBody("/steps") as { date: string }[];
  utimesSync(join(trail, ".pvr/json"), new Date(), new Date(step?.date ?? 0));
  const meta = openMetaStore(join(storage, "devmeta"));
  for (const [key, value] of Object.entries(describeDevice("0", "build"))) meta.set(key, value);
  meta.set("pantavisor.status", "READY");
  return server;
}

async function differences(
  exchanges: readonly RecordedExchange[],
  caller: Caller = { kind: "host", pid: 1 },
): Promise<Difference[]> {
  const { send } = await compat(caller);
  const found: Difference[] = [];
  for (const { what, request, replies } of exchanges) {
    const ours = parseReplies(await send(request.toString("latin1"), { silence: 150 }));
    found.push(...differencesBetween(what, replies, ours));
  }
  return found;
}

const explains = ({ what, field, recorded, ours }: Difference) =>
  EXPLAINED.filter(
    (one) =>
      one.what.test(what) &&
      one.field.test(field) &&
      (one.sameType === undefined || typeof recorded === typeof ours),
  );

it("replies as the real one did, field by field, but for what is explained", async () => {
  const found = [
    ...(await differences(recorded03)),
    ...(await differences(recordedExchanges("03a-ctrl-get-raw-unknown-caller.txt"), {
      kind: "unknown",
      pid: 0,
    })),
    ...(await differences(recordedExchanges("05-ctrl-put-raw.txt"))),
    ...(await differences(recordedExchanges("06-ctrl-host-pipeline.txt"))),
  ];
  expect(found.filter((one) => explains(one).length === 0)).toEqual([]);
  const used = new Set(found.flatMap(explains));
  expect(EXPLAINED.filter((one) => !used.has(one))).toEqual([]);
});

it("replies to a container without the role mgmt as the real one did", async () => {
  const { send } = await compat({ kind: "container", pid: 7, name: "pv-example-norole" });
  const lines = recordedText("14-role-access.txt").split("=== from pv-example-")[1] ?? "";
  const calls = [...lines.matchAll(/^([A-Z]+ \S+) HTTP\/1\.0 -> (.*)$/gm)];
  expect(calls).toHaveLength(9);
  for (const [, call = "", recorded = ""] of calls) {
    const body = call.startsWith("PUT") ? '{"action":"stop"}' : "";
    const head = `${call} HTTP/1.0\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`;
    const ours = parseReplies(await send(head + body));
    const theirs = parseReplies(recorded.replaceAll("|", "\n").replace("<EOF>", ""));
    expect([call, ...ours.map(({ status }) => status)]).toEqual([
      call,
      ...theirs.map(({ status }) => status),
    ]);
    expect(ours[0]).toEqual(theirs[0]);
  }
});
