import { findHeld } from "../appengine/held.ts";
import { findEngine } from "../engine/engine.ts";
import { EXIT } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Output } from "./output.ts";
import { table } from "./table.ts";

/** Show the service mesh of a held appengine. */
export async function graphCommand(
  options: { readonly name?: string; readonly json: boolean; readonly signal: AbortSignal },
  out: Output,
): Promise<ExitCode> {
  const engine = await findEngine({ signal: options.signal });
  const appengine = await findHeld(engine, options.name);
  const graph = await appengine.graph(options.signal);
  await appengine.close();
  if (options.json) {
    out.data(JSON.stringify(graph));
    return EXIT.pass;
  }
  const rows = graph.map((link) => [
    link.type,
    link.name,
    `${link.consumer} (${pid(link.consumer_pid)})`,
    link.role,
    `${link.provider} (${pid(link.provider_pid)})`,
    link.target ?? "no target",
    link.socket,
  ]);
  out.data(table(["TYPE", "SERVICE", "CONSUMER", "ROLE", "PROVIDER", "TARGET", "SOCKET"], rows));
  return EXIT.pass;
}

function pid(value: number): string {
  return value > 0 ? String(value) : "not running";
}
