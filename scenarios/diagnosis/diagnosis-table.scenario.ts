import type { QuirkName } from "../../broker/shared/quirks/names.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { expect } from "../../harness/facts/expect.ts";
import { causeLinesAbout } from "../../harness/run/cause-lines.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { probeConsumer, probeProvider } from "../support/probes.ts";
import * as symptoms from "./symptoms.ts";
import type { Symptom } from "./symptoms.ts";

/** A consumer that names its path by the older key `socket`. */
const aliasConsumer = defineContainer({
  name: "alias-consumer",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: [{ name: "probe", type: "unix", socket: "/run/pv/services/alias.sock" }],
  },
});

interface Row {
  readonly id: string;
  readonly title: string;
  readonly quirk: QuirkName;
  readonly symptom: Symptom;
  /** First line of the failure: the cause, and the fix. */
  readonly says: RegExp;
}

const ROWS: readonly Row[] = [
  {
    id: "diag.host",
    title: "API calls that hang are told to be without Host",
    quirk: "host-header-hang",
    symptom: symptoms.apiHangs,
    says: /^cause: .*does not answer a request without a Host header; fix: send `Host: localhost`/,
  },
  {
    id: "diag.storage",
    title:
      "an export that was not deployed is told, with its container and a fresh volume as the fix",
    quirk: "stale-storage",
    symptom: symptoms.exportsIgnored,
    says: /^cause: bad storage state: .*'(probe|alias)-\w+' was not deployed.*; fix: use a fresh storage volume/,
  },
  {
    id: "diag.socket-missing",
    title: "a socket that is not in its consumer is told to be not injected",
    quirk: "no-inject",
    symptom: symptoms.socketMissing,
    says: /^cause: pv-xconnect does not inject: \S+ is missing in \S+-consumer.*; fix: .*stdbuf -oL/,
  },
  {
    id: "diag.buffering",
    title: "a pv-xconnect without output is told to be buffered",
    quirk: "xconnect-silent",
    symptom: symptoms.noOutput,
    says: /^cause: no output from pv-xconnect.*stdout is buffered; fix: .*stdbuf -oL/,
  },
  {
    id: "diag.interface-null",
    title: "a link without interface is told to have no target that the parser knows",
    quirk: "target-alias-null",
    symptom: symptoms.interfaceNull,
    says: /^cause: `interface: null` in the graph: .*alias-consumer.*; fix: name the path as `target`/,
  },
  {
    id: "diag.pid-zero",
    title: "a running consumer with pid 0 is told to have a pid that is not parsed",
    quirk: "pid-zero",
    symptom: symptoms.pidZero,
    says: /^cause: `consumer_pid: 0` in the graph although \S+ runs.*; fix: .*consumer_pid/,
  },
  {
    id: "diag.provider-path",
    title: "a provider that cannot be reached is told to be looked for in the wrong root",
    quirk: "raw-provider-path",
    symptom: symptoms.noConnection,
    says: /^cause: could not connect to the provider's socket: .*outside.*; fix: .*\/proc\/PID\/root/,
  },
  {
    id: "diag.broken-pipe",
    title: "a broken pipe is told to come of a proxy that closes too early",
    quirk: "early-close",
    symptom: symptoms.brokenPipe,
    says: /^cause: broken pipe: the proxy closed the session.*; fix: .*half-close/,
  },
];

scenario(
  "diagnosis-table",
  {
    summary: "each symptom of the documents' troubleshooting table is told with its cause and fix",
    containers: [probeProvider, probeConsumer, aliasConsumer],
    tags: ["diagnosis"],
    requires: ["reference"],
  },
  ({ check }) => {
    for (const { id, title, quirk, symptom, says } of ROWS) {
      check(
        id,
        title,
        async ({ appengine, bootAppengine, signal }) => {
          await symptom(appengine, signal);
          // An image may have a fault of its own, as a broker whose output is buffered.
          const own = await causeLinesAbout(appengine, undefined, signal);
          expect(
            own.map(({ line }) => line).filter((line) => says.test(line)),
            "this cause in the evidence of a healthy appengine",
          ).toEqual([]);

          const sick = await bootAppengine({ quirks: [quirk], until: "ready" });
          const thrown = await thrownBy(symptom, sick.appengine, signal);
          expect(thrown, `error of the check under ${quirk}`).toBeInstanceOf(Error);
          const causes = await causeLinesAbout(sick, thrown, signal);
          const added = causes.find(({ rule }) => !own.some((one) => one.rule === rule));
          expect(added?.line, `first line about an appengine with ${quirk}`).toMatch(says);
        },
        { timeout: 60_000 },
      );
    }
  },
);

/** The error of a symptom that is there. */
async function thrownBy(
  symptom: Symptom,
  appengine: Appengine,
  signal: AbortSignal,
): Promise<unknown> {
  return symptom(appengine, signal).then(
    () => undefined,
    (error: unknown) => error,
  );
}
