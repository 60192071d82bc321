import type { GraphEntry } from "../../broker/shared/formats/graph.ts";
import { parseGraph } from "../../broker/shared/formats/graph.ts";
import { textOf } from "../thrown.ts";
import { shellQuote } from "../shell-quote.ts";
import type { EvidenceSource } from "./evidence-source.ts";
import { EXPORTS_FOLDER, STORAGE } from "./layout.ts";

/** Milliseconds for a reply of pv-ctrl; a healthy one takes 5. */
const REPLY = 1_500;
/** Milliseconds for the look at files, and the links and exports that are looked at. */
const LOOK = 3_000;
const MOST_LINKS = 64;
const MOST_EXPORTS = 32;

type Probed = Pick<EvidenceSource, "sh" | "rawControl" | "control">;

/**
 * Facts that no log tells, a line each, for probes.txt: the revision's status, whether pv-ctrl answers with and without Host,
 * whether sockets are where the graph has them, and exports that were not deployed. Never throws.
 */
export async function collectProbes(appengine: Probed): Promise<string> {
  const [graph, revision, withHost] = await Promise.all([
    graphOf(appengine),
    revisionLine(appengine),
    replyTo(appengine, "with Host localhost", "Host: localhost\r\n"),
  ]);
  const [links, exports] = await Promise.all([
    linesOf(appengine, linkScript(graph)),
    linesOf(appengine, EXPORTS),
  ]);
  const lines = [
    ...revision,
    ...links,
    ...exports,
    withHost,
    // The last one: a pv-ctrl that hangs with this request answers nothing after it.
    await replyTo(appengine, "without Host", ""),
  ];
  return `${lines.join("\n")}\n`;
}

async function graphOf({ control }: Probed): Promise<readonly GraphEntry[]> {
  try {
    const { body } = await control.send("GET", "/xconnect-graph", { timeout: REPLY });
    return parseGraph(JSON.parse(body));
  } catch {
    return [];
  }
}

async function revisionLine({ control }: Probed): Promise<string[]> {
  try {
    const { body } = await control.send("GET", "/device-meta", { timeout: REPLY });
    const meta: unknown = JSON.parse(body);
    const [revision, status] = ["revision", "status"].map((key) =>
      textOf(meta, `pantavisor.${key}`),
    );
    return revision === undefined ? [] : [`revision ${revision} is ${status ?? "of no status"}`];
  } catch {
    return [];
  }
}

async function linesOf(appengine: Probed, script: string): Promise<string[]> {
  try {
    const { stdout } = await appengine.sh(script, { timeout: LOOK });
    return stdout.split("\n").filter((line) => line !== "");
  } catch {
    return [];
  }
}

/** POSIX sh; a path of a container is data. */
function linkScript(graph: readonly GraphEntry[]): string {
  const looks = graph.slice(0, MOST_LINKS).flatMap((link) => {
    const { consumer, consumer_pid: to, provider, provider_pid: from, target, socket, type } = link;
    if (!(to > 0) || !(from > 0)) return [];
    const device = type === "drm" || type === "input";
    return [
      ...(target === null
        ? []
        : [
            `what ${shellQuote(`/proc/${to}/root${target}`)} ${shellQuote(`${device ? "device" : "target"} ${target} in ${consumer}`)}`,
            `[ -S ${shellQuote(target)} ] && echo ${shellQuote(`target ${target} of ${consumer} in the appengine: socket`)}`,
          ]),
      `[ -S /proc/${to}/root/null ] && echo ${shellQuote(`/null in ${consumer}: there`)}`,
      ...(device
        ? []
        : [
            `what ${shellQuote(`/proc/${from}/root${socket}`)} ${shellQuote(`provider socket ${socket} of ${provider}`)}`,
          ]),
    ];
  });
  return [WHAT, ...looks, ":"].join("\n");
}

/** A symlink of a container's would be followed in the appengine: then it is not known what is there. */
const WHAT = `what() {
  if [ -S "$1" ]; then echo "$2: socket"; elif [ -c "$1" ]; then echo "$2: device"
  elif [ -e "$1" ] || [ -L "$1" ]; then echo "$2: another file"
  else
    folder=$1
    while folder=\${folder%/*}; case $folder in */root) false;; esac; do
      [ -L "$folder" ] && echo "$2: behind a symlink" && return
    done
    echo "$2: missing"
  fi
}`;

/** Containers of exports that the first revision lacks, although the exports are there. */
const EXPORTS = `state=${STORAGE}/trails/0/.pvr/json
cd ${EXPORTS_FOLDER} 2>/dev/null && [ -e $state ] || exit 0
ls | head -n ${MOST_EXPORTS} | while read -r file; do
  tar -xzOf "$file" json 2>/dev/null | tr ',{' '\\n\\n' |
  sed -n 's|^ *"\\([^"/]*\\)/run.json".*|\\1|p' | while read -r name; do
    grep -qF "\\"$name/run.json\\"" $state ||
    echo "export $file brings container $name, which is not there"
  done
done; :`;

async function replyTo(appengine: Probed, what: string, host: string): Promise<string> {
  const begun = performance.now();
  const bytes = `GET /buildinfo HTTP/1.1\r\n${host}\r\n`;
  try {
    const answer = await appengine.rawControl(bytes, { timeout: REPLY, enough: /\r\n\r\n/ });
    const status = /^HTTP\/1\.\d (\d+)/.exec(answer.bytes.toString("latin1"))?.[1];
    const ms = Math.round(performance.now() - begun);
    if (status !== undefined) return `GET /buildinfo ${what}: ${status} in ${ms} ms`;
    return `GET /buildinfo ${what}: ${answer.closed ? "closed without a reply" : "no reply"} in ${ms} ms`;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `GET /buildinfo ${what}: not asked: ${why}`;
  }
}
