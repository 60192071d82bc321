import { runningPrivateEngine } from "../engine/find-engine.ts";
import type { Engine } from "../engine/engine.ts";
import { shownAddress } from "../engine/engine.ts";
import { findCleanEngine, removeLeftovers } from "../engine/leftovers.ts";
import {
  canStartPrivateEngine,
  startPrivateEngine,
  stopPrivateEngine,
} from "../engine/private-engine.ts";
import { privateEngineHost, privateEngineLog } from "../engine/private-engine-files.ts";
import { PvhError } from "../errors.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { didYouMean } from "../near-names.ts";
import { needRoot } from "../need-root.ts";
import type { Call } from "./command.ts";
import { livingUsers, userOf } from "./living-users.ts";
import type { Output } from "./output.ts";

const ACTIONS = { start, stop, status } as const;

/** `pvh engine start|stop|status`: the private engine; status also tells which one pvh uses. */
export async function engineCommand(call: Call): Promise<ExitCode> {
  const word = call.args.word(0) ?? "";
  const names = Object.keys(ACTIONS) as (keyof typeof ACTIONS)[];
  const action = names.find((one) => one === word);
  if (action === undefined) {
    throw new PvhError("PVH_USAGE", `pvh engine has no action '${word}'`, {
      hint: didYouMean(word, names) ?? "start, stop or status",
    });
  }
  return ACTIONS[action](call);
}

async function start({ args, out, signal }: Call): Promise<ExitCode> {
  needRoot("a private engine", "dockerd does", "pvh engine start");
  if (!canStartPrivateEngine()) {
    throw new PvhError("PVH_ENGINE_UNREACHABLE", "a private engine needs dockerd", {
      hint: "apt-get install -y --no-install-recommends docker.io",
    });
  }
  const progress = (line: string): void => out.say(line);
  await startPrivateEngine({ signal, progress });
  const engine = await runningPrivateEngine(signal);
  if (engine !== undefined) await removeLeftovers(engine, { signal, progress });
  report(engine, args.flag("json"), out);
  return EXIT.pass;
}

async function stop({ args, out, signal }: Call): Promise<ExitCode> {
  if (!args.flag("force")) await refuseInUse(signal);
  const stopped = await stopPrivateEngine(signal);
  out.data(
    args.flag("json")
      ? JSON.stringify({ stopped })
      : stopped
        ? "the private engine is stopped, its containers with it"
        : "no private engine runs",
  );
  return EXIT.pass;
}

/**
 * All clones of a user share the engine. One that does not answer may be stopped.
 * @throws PvhError PVH_USAGE naming what another process works with
 */
async function refuseInUse(signal: AbortSignal): Promise<void> {
  const engine = await runningPrivateEngine(signal);
  if (engine === undefined) return;
  const users = [...new Set((await livingUsers(engine)).map(userOf))];
  if (users.length === 0) return;
  throw new PvhError("PVH_USAGE", `the private engine is in use by ${users.join(", ")}`, {
    hint: "pvh engine stop --force ends that too",
  });
}

/** Looks for an engine and starts none. */
async function status({ args, out, signal }: Call): Promise<ExitCode> {
  const progress = (line: string): void => out.say(line);
  const find = { signal, progress, start: false };
  const used = await findCleanEngine(find).catch((error: unknown) => {
    if (!(error instanceof PvhError) || error.code !== "PVH_ENGINE_UNREACHABLE") throw error;
    return undefined;
  });
  report(used, args.flag("json"), out);
  return used === undefined ? EXIT.infra : EXIT.pass;
}

function report(engine: Engine | undefined, json: boolean, out: Output): void {
  if (engine === undefined) {
    out.data(json ? JSON.stringify({ running: false }) : "no engine runs; pvh engine start");
    return;
  }
  const { origin, version, apiVersion } = engine;
  const host = shownAddress(engine);
  const mine = host === privateEngineHost();
  const log = mine ? { log: privateEngineLog() } : {};
  out.data(
    json
      ? JSON.stringify({ running: true, host, origin, version, apiVersion, ...log })
      : `${origin}: Docker ${version}, API ${apiVersion}, DOCKER_HOST=${host}${mine ? `, log ${privateEngineLog()}` : ""}`,
  );
}
