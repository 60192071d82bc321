import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "../../harness/facts/expect.ts";
import { findEngine } from "../../harness/engine/find-engine.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { exportContent } from "../../harness/exports/examples.ts";
import { writeExport } from "../../harness/exports/write-export.ts";
import { scenario } from "../../harness/run/scenario.ts";
import type { CheckContext } from "../../harness/run/scenario-definition.ts";
import { PROBE_TARGET, probeConsumer, probeProvider } from "../support/probes.ts";

const nobody = { name: "nobody-provides-it", type: "unix", target: "/run/x.sock" };
const needy = defineContainer({ name: "needy", args: { PV_SERVICES_REQUIRED: [nobody] } });
const hopeful = defineContainer({ name: "hopeful", args: { PV_SERVICES_OPTIONAL: [nobody] } });

scenario(
  "graph-providers",
  {
    summary: "providers that are missing, and exports that stand before their container",
    boot: "none",
  },
  ({ check }) => {
    check(
      "graph.required",
      "a required service that nobody provides stops the revision, by name",
      async (context) => {
        const failure = await bootFailure(context, [needy]);
        expect(failure, "error of the boot, which has to name the service").toContain(
          "nobody-provides-it",
        );
        expect(failure, "error of the boot, which has to name the container").toContain("needy");
      },
    );

    check(
      "graph.optional",
      "an optional service that nobody provides is left out, and shows in the log",
      async ({ bootAppengine }) => {
        const booted = await bootAppengine({ containers: [hopeful], until: "ready" }).catch(
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        );
        const why = typeof booted === "string" ? booted : undefined;
        expect(why, "reason why the revision did not start").toBeUndefined();
        if (typeof booted === "string") return;
        const { appengine, control } = booted;
        expect(await appengine.graph(), "links in the graph").toEqual([]);
        expect(
          (await control.container("hopeful")).status,
          "status of the container whose optional service is missing",
        ).toBe("STARTED");
        const lines = (await appengine.log.lines()).map(({ message }) => message);
        expect(
          lines.filter((line) => line.includes("nobody-provides-it") && line.includes("hopeful")),
          "lines of pantavisor.log that name the optional service and the container",
        ).not.toEqual([]);
      },
    );

    check(
      "graph.services-order",
      "an export whose services.json stands before its run.json exports all the same",
      async ({ bootAppengine, signal }) => {
        const folder = await mkdtemp(join(tmpdir(), "pvh-order-"));
        try {
          const content = await exportContent(
            await findEngine({ signal }),
            [probeProvider, { ...probeConsumer, args: optionally(probeConsumer.args) }],
            { signal },
          );
          const { "#spec": spec = null, ...keys } = content.fragment;
          const isServices = ([key]: [string, unknown]) => key.endsWith("/services.json");
          const entries = Object.entries(keys);
          const ordered = [
            ...entries.filter(isServices),
            ...entries.filter((entry) => !isServices(entry)),
          ];
          const path = join(folder, "order.pvrexport.tgz");
          const fragment = { "#spec": spec, ...Object.fromEntries(ordered) };
          await writeExport(path, { ...content, fragment }, signal);
          const { appengine } = await bootAppengine({
            containers: [],
            exports: [path],
            until: "ready",
          });
          expect(await appengine.graph(), "links in the graph").toMatchObject([
            { name: "probe", provider: "probe-provider", target: PROBE_TARGET },
          ]);
        } finally {
          await rm(folder, { recursive: true });
        }
      },
    );
  },
);

/** The quirk loses the export: the revision must not fail for that already. */
function optionally({
  PV_SERVICES_REQUIRED: services = [],
  ...rest
}: typeof probeConsumer.args): typeof probeConsumer.args {
  return { ...rest, PV_SERVICES_OPTIONAL: services };
}

/** Why a boot of these containers fails; "it reached READY" when it does not. */
async function bootFailure(
  { bootAppengine }: CheckContext,
  containers: readonly ReturnType<typeof defineContainer>[],
): Promise<string> {
  try {
    await bootAppengine({ containers, until: "ready" });
    return "it reached READY";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
