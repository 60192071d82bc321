import { clock } from "../../harness/clock/clock.ts";
import { patientSeconds } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { labelsAt, serveLabels } from "../support/labels.ts";
import { PROBE_SOCKET, probeProvider } from "../support/probes.ts";

const LINKS = 500;
const SOON = 2_000;
const target = (index: number) => `/run/many/folder-${index % 10}/${index}.sock`;

const demanding = defineContainer({
  name: "demanding",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: Array.from({ length: LINKS }, (_, index) => ({
      name: "probe",
      target: target(index),
    })),
  },
});

scenario(
  "graph-large",
  {
    // Each link has a listener, and most come after the boot.
    expects: { watchers: ["broker-fds"] },
    summary: `${LINKS} links of one consumer`,
    containers: [probeProvider, demanding],
    // Reconciling is what is measured: a boot must not wait for it.
    until: "ready",
    alone: true,
  },
  ({ check }) => {
    check(
      "graph.large",
      `${LINKS} links are reconciled within 2 s, the last as good as the first`,
      async ({ appengine, inside, signal, note }) => {
        await serveLabels(inside("probe-provider"), { [PROBE_SOCKET]: "probe" });
        // From the start of a broker that knows of nothing: its own start counts as well.
        const { exitCode, stdout, stderr } = await appengine.sh(measure(), {
          signal,
          timeout: 20_000,
        });
        expect(exitCode, `exit code of the watch for the links (${stderr})`).toBe(0);
        const [milliseconds, planted] = stdout.trim().split(" ").map(Number);
        note(`${planted ?? 0} links, ${milliseconds ?? 0} ms from the start of the broker`);
        expect(planted, "sockets planted").toBe(LINKS);
        expect(milliseconds, "ms until all links were planted").toBeLessThan(
          SOON * clock.stretch(),
        );
        const paths = [target(0), target(LINKS - 1)];
        expect(
          Object.values(await labelsAt(inside("demanding"), paths)),
          "providers at the first and the last socket",
        ).toEqual(["probe", "probe"]);
      },
    );
  },
);

/**
 * Run the broker again, and give the milliseconds until every socket is there, and how many
 * there are; it looks in the consumer's own root. The broker before it may still be planting
 * when it is told to stop: only when it has ended is what it planted gone for good.
 */
const measure = () => `
ask() { curl -sS --unix-socket /run/pantavisor/pv/pv-ctrl -H 'Host: localhost' "$@"; }
act() { ask -o /dev/null -X PUT -d "{\\"action\\":\\"$1\\"}" http://localhost/daemons/pv-xconnect; }
root=/proc/$(lxc-info -n demanding -p -H)/root/run/many
count() { find "$root" -type s 2>/dev/null | wc -l; }
old=$(ask http://localhost/daemons | jq '.[] | select(.name == "pv-xconnect").pid')
act stop
while kill -0 "$old" 2>/dev/null; do sleep 0.02; done
[ "$(count)" -eq 0 ] || { echo "sockets are left of the broker before" >&2; exit 1; }
begun=$(date +%s%3N)
act start
while [ "$(count)" -lt ${LINKS} ] && [ $(($(date +%s%3N) - begun)) -lt ${patientSeconds(10)}000 ]; do sleep 0.02; done
echo $(($(date +%s%3N) - begun)) $(count)
`;
