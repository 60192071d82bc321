import type { Quote } from "../../reports/failure-details.ts";
import type { ControlClient } from "../control/control-client.ts";
import { PvhError } from "../errors.ts";
import { shellQuote } from "../shell-quote.ts";
import type { AppengineShell } from "./appengine-shell.ts";
import { bootCulprits } from "./boot-culprits.ts";
import type { BootView } from "./boot-culprits.ts";
import { LOG_ROOT } from "./layout.ts";

/** Milliseconds for the whole look: the appengine may answer nothing any more. */
const LOOK = 4_000;
/** Containers whose consoles are quoted, and lines of each. */
const QUOTED = 3;
const LINES = 8;

/** Parts that are not at their goals now: "container x (STARTED, goal READY)"; none where pv-ctrl is silent. */
export async function lateParts(
  control: ControlClient,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(LOOK)]);
  return bootCulprits(await viewOf(control, soon)).told;
}

async function viewOf(control: ControlClient, signal: AbortSignal): Promise<BootView> {
  const [containers, groups, daemons] = await Promise.all([
    asked(control.containers(signal)),
    asked(control.groups(signal)),
    asked(control.daemons(signal)),
  ]);
  return { containers, groups, daemons };
}

function asked<T>(question: Promise<T>): Promise<T | undefined> {
  return question.catch(() => undefined);
}

/**
 * The same error, which names the container, group or service that is not at its goal, with the last
 * lines of its console. The output of pv-appengine stands in where pv-ctrl says nothing.
 */
export async function explainNeverReady(
  error: PvhError,
  shell: AppengineShell,
  control: ControlClient,
  output: () => Promise<string>,
): Promise<PvhError> {
  const signal = AbortSignal.timeout(LOOK);
  const { told, containers: late } = bootCulprits(await viewOf(control, signal));
  const consoles = await Promise.all(
    late.slice(0, QUOTED).map((name) => asked(consoleOf(shell, name, signal))),
  );
  const quotes: Quote[] = consoles.flatMap((quote) => quote ?? []);
  if (quotes.length === 0) {
    const lines = lastLines((await asked(output())) ?? "");
    if (lines.length > 0) quotes.push({ from: "the last output of pv-appengine", lines });
  }
  const news = told.filter((one) => !error.message.includes(`${one.split(" ")[1] ?? one} (`));
  const culprits = news.length === 0 ? "" : `; not at its goal: ${news.join(", ")}`;
  const { hint, evidence, cause, wait } = error;
  return new PvhError(error.code, `${error.message}${culprits}`, {
    ...(hint !== undefined && { hint }),
    ...(wait !== undefined && { wait }),
    evidence,
    cause,
    quotes,
  });
}

async function consoleOf(
  shell: AppengineShell,
  name: string,
  signal: AbortSignal,
): Promise<Quote | undefined> {
  const path = `${LOG_ROOT}/*/${shellQuote(name)}/lxc/console.log`;
  const { stdout } = await shell.sh(`tail -q -n ${LINES} ${path} 2>/dev/null; :`, { signal });
  const lines = lastLines(stdout);
  return lines.length === 0 ? undefined : { from: `the console of ${name}`, lines };
}

function lastLines(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-LINES);
}
