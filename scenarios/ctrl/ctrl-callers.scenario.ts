import { patientSeconds, python, pythonFile } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import type { PythonProgram } from "../../harness/appengine/python.ts";
import { CONTROL_SOCKET } from "../../harness/appengine/layout.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { appenginePython } from "../support/appengine-python.ts";
import { INNER_CONTROL_SOCKET, repliesOf, wholeRequest } from "../support/control-probe.ts";
import { waitForStatus } from "../support/steps.ts";

const MGMT = "caller-mgmt";
const NOBODY = "caller-nobody";
const READY = "caller-ready";
/** A status that says no; which one is not promised. */
const REFUSED = /^[45]\d\d$/;

scenario(
  "ctrl-callers",
  {
    summary: "who may call pv-ctrl is decided by the calling process, and by nothing it says",
    containers: [
      defineContainer({ name: MGMT, args: { PV_ROLES: ["mgmt"] } }),
      defineContainer({ name: NOBODY, args: { PV_ROLES: ["nobody"] } }),
      defineContainer({ name: READY, args: { PV_ROLES: ["nobody"], PV_STATUS_GOAL: "READY" } }),
    ],
    // READY comes by a signal that a check sends.
    until: "pv-ctrl",
  },
  ({ check }) => {
    check(
      "ctrl.caller.mgmt",
      "role mgmt may call; role nobody gets one 403",
      async ({ control, inside, signal }) => {
        for (const name of [MGMT, NOBODY]) await waitForStatus(control, name, "STARTED", signal);
        for (const [method, path, body, right] of [
          ["GET", "/containers", undefined, 200],
          ["GET", "/user-meta", undefined, 200],
          ["PUT", "/containers/nosuch", '{"action":"stop"}', 404],
          ["PUT", "/user-meta/from-a-container", "x", 200],
        ] as const) {
          const request = wholeRequest(method, path, body);
          const allowed = await callFrom(inside(MGMT), request);
          expect(
            [method, path, statuses(allowed)],
            "status of a call from a container of role mgmt",
          ).toEqual([method, path, [right]]);
          const refused = await callFrom(inside(NOBODY), request);
          expect(
            [method, path, statuses(refused)],
            "statuses of a call from a container of role nobody",
          ).toEqual([method, path, [403]]);
          expect(refused, "body of the refusal").toContain('{"Error":');
        }
      },
    );

    check(
      "ctrl.meta.container",
      "a container without role mgmt sees the metadata of its own, and no other",
      async ({ control, inside, signal }) => {
        for (const name of [MGMT, NOBODY]) await waitForStatus(control, name, "STARTED", signal);
        for (const key of [`${NOBODY}.colour`, `${MGMT}.colour`, "plain"]) {
          const put = await control.send("PUT", `/user-meta/${key}`, { body: "blue", signal });
          expect(put.status, `status of the PUT of ${key}`).toBe(200);
        }
        const list = "cd /pantavisor/user-meta && grep -H . $(ls) /dev/null || true";
        expect(await inside(NOBODY).text(list), "user metadata that a container sees").toBe(
          "colour:blue\n",
        );
        expect(
          (await inside(MGMT).text(list)).split("\n"),
          "user metadata that a container of role mgmt sees",
        ).toEqual(expect.arrayContaining([`${NOBODY}.colour:blue`, "plain:blue"]));
        const gone = await control.send("DELETE", `/user-meta/${NOBODY}.colour`, { signal });
        expect(gone.status, "status of the DELETE").toBe(200);
        expect(
          await inside(NOBODY).text("ls /pantavisor/user-meta"),
          "user metadata after its DELETE",
        ).toBe("");
      },
    );

    check(
      "ctrl.caller.cgroup",
      "a container is known when a cgroup of its name was left behind",
      async ({ appengine, control, inside, signal }) => {
        await waitForStatus(control, MGMT, "STARTED", signal);
        await control.stop(MGMT);
        await waitForStatus(control, MGMT, "STOPPED", signal);
        const left = `/sys/fs/cgroup/lxc.payload.${MGMT}`;
        await appengine.text(`mkdir ${left}`);
        await control.start(MGMT);
        await waitForStatus(control, MGMT, "STARTED", signal);
        const reply = await callFrom(inside(MGMT), wholeRequest("GET", "/containers"));
        await appengine.text(`rmdir ${left}`);
        expect(
          statuses(reply),
          "statuses of the call beside a cgroup that was left behind",
        ).toEqual([200]);
      },
    );

    check(
      "ctrl.caller.host",
      "a process of the appengine may call, in whatever cgroup it is",
      async ({ appengine, signal }) => {
        const call = `curl -sS --max-time ${patientSeconds(5)} -o /dev/null -w "%{http_code}" --unix-socket ${CONTROL_SOCKET} http://localhost/containers`;
        for (const group of [".", "pvh-caller", "pvh-caller/deeper"]) {
          const folder = `/sys/fs/cgroup/${group}`;
          const stdout = await appengine.text(
            `mkdir -p ${folder} && sh -c 'echo $$ >${folder}/cgroup.procs && ${call}'`,
            { signal },
          );
          expect(
            [group, stdout],
            `status of a call by the appengine's process in cgroup ${group}`,
          ).toEqual([group, "200"]);
        }
      },
    );

    check(
      "ctrl.caller.unknown",
      "a caller that has gone, or is in no known place, is refused",
      async ({ appengine, signal }) => {
        const request = wholeRequest("GET", "/containers");
        const call = await appenginePython(appengine, exchange(CONTROL_SOCKET, request));
        const elsewhere = await appengine.sh(`unshare -m ${call}`, { signal });
        expect(statuses(elsewhere.stdout), "statuses of a call from no known place").toEqual([403]);
        const pantavisor = Number(await appengine.text("pgrep -x pantavisor"));
        const gone = await appengine.sh(
          await appenginePython(
            appengine,
            pythonFile(import.meta.dirname, "gone_caller.py", CONTROL_SOCKET, request, pantavisor),
          ),
          { signal, timeout: 20_000 },
        );
        expect(gone.stderr, "stderr of the caller that goes away").toBe("");
        expect(statuses(gone.stdout), "statuses of the call of a caller that has gone").toEqual([
          403,
        ]);
      },
    );

    check(
      "ctrl.signal.status",
      "a signal that is not expected is refused as the caller's mistake",
      async ({ control, inside, signal }) => {
        const request = wholeRequest("POST", "/signal", '{"type":"alive","payload":""}');
        expect(statuses(await callFrom(inside(MGMT), request)), "statuses for a container").toEqual(
          [403],
        );
        const host = await control.send("POST", "/signal", { body: '{"type":"ready"}', signal });
        expect(host.status, "status for the appengine").toBe(403);
      },
    );

    check(
      "ctrl.signal",
      "ready makes a container with goal READY so; from others it is refused",
      async ({ appengine, control, inside, signal }) => {
        await waitForStatus(control, READY, "STARTED", signal);
        const request = wholeRequest("POST", "/signal", '{"type":"ready","payload":""}');
        for (const name of [MGMT, NOBODY]) {
          const [status = 0] = statuses(await callFrom(inside(name), request));
          expect(
            [name, String(status)],
            `status of the ready signal of ${name}, which has no goal READY`,
          ).toEqual([name, expect.stringMatching(REFUSED)]);
        }
        const host = await control.send("POST", "/signal", { body: '{"type":"ready"}', signal });
        expect(String(host.status), "status of the ready signal from the appengine").toMatch(
          REFUSED,
        );
        const bad = wholeRequest("POST", "/signal", '{"type":"steady"}');
        expect(
          statuses(await callFrom(inside(READY), bad)).join(),
          "statuses of a signal of an unknown type",
        ).toMatch(REFUSED);
        expect(
          (await control.container(READY, signal)).status,
          "status of the container with goal READY before its signal",
        ).toBe("STARTED");

        expect(
          statuses(await callFrom(inside(READY), request)),
          "statuses of the ready signal of the container with goal READY",
        ).toEqual([200]);
        await waitForStatus(control, READY, "READY", signal);
        await until(
          "the revision to be READY",
          async () => {
            const meta = (await control.json("/device-meta", signal)) as Record<string, unknown>;
            return meta["pantavisor.status"] === "READY";
          },
          { signal, timeout: 5_000 },
        );
        await appengine.log.waitFor(new RegExp(`platform '${READY}' status is now READY`), {
          signal,
          timeout: 5_000,
        });
      },
    );
  },
);

async function callFrom(container: InsideContainer, request: string): Promise<string> {
  return await container.python(exchange(INNER_CONTROL_SOCKET, request));
}

/** Program that sends the bytes as they are, and prints what comes. */
function exchange(path: string, request: string): PythonProgram {
  return python`
    from probes import unix
    reply = unix.exchange(unix.connect(${path}), ${request}.encode("latin1"))
    print(reply.decode("latin1"), end="")
  `;
}

function statuses(bytes: string): number[] {
  return repliesOf(bytes).map(({ status }) => status);
}
