import type { DaemonBody } from "../../broker/shared/formats/control.ts";
import type { GraphEntry } from "../../broker/shared/formats/graph.ts";
import { clock } from "../clock/clock.ts";
import { shellQuote } from "../shell-quote.ts";
import { until } from "../until.ts";
import { askBroker } from "./ask-broker.ts";
import type { Appengine } from "./appengine.ts";
import { switchQuirk } from "./switch-quirk.ts";
import { readTraces, SCRATCH } from "./traces.ts";
import type { ContainerTraces, Traces } from "./traces.ts";

/** State of an appengine that scenarios use one after the other. */
export interface AppengineState {
  readonly traces: Traces;
  /** Replies of pv-ctrl and the broker as text, by question; without pids. */
  readonly told: ReadonlyMap<string, string>;
}

/** Milliseconds in which an appengine has to be as it was. */
const AS_BEFORE = 5_000;
/** Milliseconds for links to come to their state, under a quirk that may keep them from it. */
const LINKS = 1_500;
/** Question that is put to the broker, about the state of its links. */
const BROKER = "pv-xconnect";

/** @throws PvhError when it cannot be told */
export async function appengineState(
  appengine: Appengine,
  signal: AbortSignal,
): Promise<AppengineState> {
  const [traces, told] = [await readTraces(appengine, signal), await askAll(appengine, signal)];
  return { traces, told };
}

/** States of an appengine that is used several times. */
export interface AppengineStates {
  /** After its boot. */
  readonly first: AppengineState;
  /** After the last reset. */
  readonly last: AppengineState;
}

/**
 * Bring an appengine into the state in which it was first: containers that were touched since `last` are
 * started anew, files that were left in /tmp are removed. pantavisor.log begins anew for its readers.
 *
 * A container is touched when it was entered, when its init, its programs or its files are others, and
 * when a link leads from or to a touched one: a server remembers.
 *
 * @param broker pv-xconnect starts anew with this quirk, which may keep links from their state
 * @returns the state now, which says the same as `first`
 * @throws PvhError PVH_TIMEOUT naming what is not as it was
 */
export async function resetAppengine(
  appengine: Appengine,
  { first, last }: AppengineStates,
  signal: AbortSignal,
  broker?: { readonly quirk: string | undefined },
): Promise<AppengineState> {
  await appengine.log.forget();
  const before = await readTraces(appengine, signal);
  const graph = await appengine.control.graph(signal);
  const touched = touchedContainers(last.traces, before, appengine.takeEntered(), graph);
  if (broker !== undefined) await switchQuirk(appengine, broker.quirk, signal);
  await startDaemons(appengine, first, signal);
  await Promise.all([...touched].map((name) => startAnew(appengine, name, before, signal)));
  const left = leftIn(SCRATCH, first.traces, before);
  if (left.length > 0) await appengine.sh(`rm -rf ${left.map(shellQuote).join(" ")}`, { signal });
  const watch = clock.stopwatch();
  return await until(
    "the appengine to be as before",
    async () => {
      // The quick question first: the others take as long as a look at each file.
      const containers = await ask(appengine, "/containers", signal);
      if (containers !== first.told.get("/containers")) throw new Error("containers do not run");
      const state = await appengineState(appengine, signal);
      const isSame = [...touched].every(
        (name) => state.traces.containers.get(name)?.pid !== before.containers.get(name)?.pid,
      );
      if (!isSame) throw new Error(`${[...touched].join(", ")} are starting anew`);
      const isLate = broker?.quirk !== undefined && watch.given > LINKS;
      const awaited = isLate ? [] : awaitedOf(first, state, touched);
      const differences = [...differencesOf(first, state), ...awaited];
      if (differences.length > 0) throw new Error(differences.slice(0, 5).join("; "));
      return state;
    },
    { signal, timeout: AS_BEFORE, every: 60 },
  );
}

/** @param entered names of containers in which something was run */
export function touchedContainers(
  last: Traces,
  now: Traces,
  entered: ReadonlySet<string>,
  graph: readonly Pick<GraphEntry, "consumer" | "provider">[],
): ReadonlySet<string> {
  const changed = [...last.containers].flatMap(([name, before]) =>
    isTouched(before, now.containers.get(name)) ? [name] : [],
  );
  const known = (name: string): boolean => last.containers.has(name);
  const touched = new Set([...changed, ...entered].filter(known));
  for (const { consumer, provider } of graph) {
    if (!touched.has(consumer) && !touched.has(provider)) continue;
    for (const peer of [consumer, provider]) if (known(peer)) touched.add(peer);
  }
  return touched;
}

function isTouched(before: ContainerTraces, now: ContainerTraces | undefined): boolean {
  if (now?.pid !== before.pid) return true;
  if ([...now.programs].some((program) => !before.programs.has(program))) return true;
  const isOther = ([file, change]: [string, string]): boolean => before.files.get(file) !== change;
  return now.files.size !== before.files.size || [...now.files].some(isOther);
}

/** @returns what is not as it was first, a phrase each */
export function differencesOf(first: AppengineState, now: AppengineState): string[] {
  return [
    ...[...first.told].flatMap(([question, answer]) =>
      question === BROKER || now.told.get(question) === answer
        ? []
        : [`${question} says something else`],
    ),
    ...changes("container", [...first.traces.containers.keys()], [...now.traces.containers.keys()]),
    ...changes("process", first.traces.processes, now.traces.processes),
    ...changes("file", first.traces.files, now.traces.files),
    ...changes("mount", first.traces.mounts, now.traces.mounts),
  ];
}

/**
 * @returns what containers that were started anew and their links still lack, a phrase each. Such a
 *          container has its own files alone, and at least those that it had first.
 */
export function awaitedOf(
  first: AppengineState,
  now: AppengineState,
  touched: ReadonlySet<string>,
): string[] {
  const links = first.told.get(BROKER) === now.told.get(BROKER) ? [] : ["a link has another state"];
  const files = [...touched].flatMap((name) => {
    const there = now.traces.containers.get(name)?.files;
    const known = [...(first.traces.containers.get(name)?.files.keys() ?? [])];
    return known.flatMap((file) =>
      there?.has(file) ? [] : [`file in ${name} ${file} is missing`],
    );
  });
  return [...links, ...files];
}

/** Lines that one list has more often than the other. */
function changes(what: string, before: readonly string[], now: readonly string[]): string[] {
  const count = (lines: readonly string[], line: string): number =>
    lines.filter((one) => one === line).length;
  return [...new Set([...before, ...now])].flatMap((line) => {
    const more = count(now, line) - count(before, line);
    if (more === 0) return [];
    return [`${what} ${line} is ${more > 0 ? "new" : "missing"}`];
  });
}

function leftIn(folders: readonly string[], first: Traces, now: Traces): string[] {
  const known = new Set(first.files);
  return now.files
    .filter((line) => !known.has(line) && folders.some((folder) => line.startsWith(folder)))
    .map((line) => line.replace(/ \S+ \S+$/, ""));
}

async function startAnew(
  { control }: Appengine,
  name: string,
  { containers }: Traces,
  signal: AbortSignal,
): Promise<void> {
  if (containers.has(name)) await control.restart(name, signal);
  else await control.start(name, signal);
}

/** Start the daemons that ran first and do not run now. */
async function startDaemons(
  { control }: Appengine,
  { told }: AppengineState,
  signal: AbortSignal,
): Promise<void> {
  const daemons = await control.daemons(signal);
  if (told.get("/daemons") === daemonsAsText(daemons)) return;
  for (const { name, pid } of daemons) {
    if (pid <= 0) await control.actOnDaemon(name, "start", signal);
  }
}

function daemonsAsText(daemons: readonly DaemonBody[]): string {
  return JSON.stringify(daemons.map(({ pid, ...daemon }) => ({ ...daemon, runs: pid > 0 })));
}

const QUESTIONS = ["/containers", "/groups", "/user-meta", "/objects", "/steps", "/config"];

async function askAll(
  appengine: Appengine,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const { control } = appengine;
  const told = new Map<string, string>();
  for (const path of QUESTIONS) told.set(path, await ask(appengine, path, signal));
  told.set("/daemons", daemonsAsText(await control.daemons(signal)));
  const graph = await control.graph(signal);
  told.set("/xconnect-graph", JSON.stringify(graph.map(withoutPids)));
  const broker = await askBroker(appengine, signal);
  const links = broker?.links.map(({ consumer, name, target, state }) =>
    [consumer, name, target, state].join(" "),
  );
  told.set(BROKER, JSON.stringify(links?.sort()));
  return told;
}

async function ask({ control }: Appengine, path: string, signal: AbortSignal): Promise<string> {
  const answer = await control.json(path, signal);
  // Time makes a container stable, nothing else.
  return JSON.stringify(answer, (key, value: unknown) => (key === "is_stable" ? undefined : value));
}

function withoutPids(entry: GraphEntry): Record<string, unknown> {
  const isRunning = { consumer: entry.consumer_pid > 0, provider: entry.provider_pid > 0 };
  const rest = Object.entries(entry).filter(([key]) => !/_(pid|start)$/.test(key));
  return { ...Object.fromEntries(rest), isRunning };
}
