import { setTimeout } from "node:timers/promises";
import { printableLine } from "../../reports/printable.ts";
import type { BrokerStatus, LinkStatus } from "../../broker/shared/formats/broker-status.ts";
import type { GraphEntry } from "../../broker/shared/formats/graph.ts";
import { isOfHostedBus } from "../../broker/shared/formats/hosted-bus.ts";
import { askBroker } from "../appengine/ask-broker.ts";
import { findHeld } from "../appengine/held.ts";
import { localMesh } from "../appengine/local-mesh.ts";
import type { Mesh } from "../appengine/local-mesh.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { PvhError } from "../errors.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Call } from "./command.ts";
import { shownTable } from "./shown-table.ts";

/** `pvh graph`: a service mesh, with what its broker tells of each link; `--watch` shows each change. */
export async function graphCommand(call: Call): Promise<ExitCode> {
  if (!call.args.flag("watch")) {
    call.out.data(await shownMesh(call));
    return EXIT.pass;
  }
  let shown = "";
  for (;;) {
    const next = await shownMesh(call);
    // A terminal shows one table; elsewhere each change is told.
    if (next !== shown) call.out.data(process.stdout.isTTY ? `${CLEAR}${next}` : next);
    shown = next;
    await setTimeout(WATCHED, undefined, { signal: call.signal }).catch(() => undefined);
    if (call.signal.aborted) return EXIT.pass;
  }
}

/** Milliseconds between two looks. */
const WATCHED = 1_000;
/** Cursor to the top left, and all below it away (ECMA-48 CUP, ED). */
const CLEAR = "\u001b[H\u001b[J";

async function shownMesh({ args, out, signal }: Call): Promise<string> {
  const name = args.word(0);
  const ctrl = args.text("ctrl");
  if (ctrl !== undefined && name !== undefined) {
    throw new PvhError("PVH_USAGE", "give a held appengine or --ctrl, not both", {
      hint: "pvh graph --help",
    });
  }
  const { graph, status } = await (ctrl === undefined
    ? heldMesh(name, signal, (line) => out.say(line))
    : localMesh(ctrl, signal));
  if (args.flag("json")) {
    const links = graph.map((link) => ({ ...link, status: statusOf(link, status) ?? null }));
    return JSON.stringify(links);
  }
  const head = ["TYPE", "SERVICE", "CONSUMER", "ROLE", "PROVIDER", "TARGET", "SOCKET"];
  const rows = graph.map((link) =>
    [
      link.type,
      link.name,
      `${link.consumer} (${pid(link.consumer_pid)})`,
      link.role,
      isOfHostedBus(link) ? link.provider : `${link.provider} (${pid(link.provider_pid)})`,
      link.target ?? "no target",
      link.socket,
      ...(status === undefined ? [] : described(statusOf(link, status))),
    ].map((cell) => printableLine(cell)),
  );
  const more = status === undefined ? [] : ["STATE", "SESSIONS", "LAST ERROR"];
  return shownTable([...head, ...more], rows);
}

async function heldMesh(
  name: string | undefined,
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<Mesh> {
  const engine = await findCleanEngine({ signal, progress });
  const appengine = await findHeld(engine, name);
  const graph = await appengine.graph(signal);
  const status = await askBroker(appengine, signal);
  await appengine.close();
  return { graph, status };
}

function statusOf(link: GraphEntry, status: BrokerStatus | undefined): LinkStatus | undefined {
  return status?.links.find(
    ({ consumer, name, target }) =>
      consumer === link.consumer && name === link.name && target === link.target,
  );
}

function described(status: LinkStatus | undefined): string[] {
  if (status === undefined) return ["no link", "", ""];
  const { state, open, counters, lastError } = status;
  return [state, `${open} of ${counters["sessions"] ?? 0}`, lastError?.message ?? ""];
}

function pid(value: number): string {
  return value > 0 ? String(value) : "not running";
}
