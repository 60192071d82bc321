import { createHash } from "node:crypto";
import { expect } from "../../harness/facts/expect.ts";
import { CONTROL_SOCKET, STORAGE } from "../../harness/appengine/layout.ts";
import { reasonOf } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { repliesOf, wholeRequest } from "../support/control-probe.ts";
import { currentState } from "../support/revisions.ts";

const IDLE = "storage-idle";

scenario(
  "ctrl-storage",
  {
    summary: "metadata, objects, steps, groups and settings through pv-ctrl",
    containers: [defineContainer({ name: IDLE })],
    // A step of its garbage collection requires what nobody has.
    expects: { rules: ["required-service-missing"] },
  },
  ({ check }) => {
    check(
      "ctrl.meta.crud",
      "metadata is put, read, changed and deleted; a missing key is 404",
      async ({ appengine, control, signal }) => {
        for (const kind of ["device", "user"]) {
          const path = `/${kind}-meta`;
          const read = async (): Promise<unknown> =>
            ((await control.json(path, signal)) as Record<string, unknown>)["pvh.test-key"];
          const put = (body: string) =>
            control.send("PUT", `${path}/pvh.test-key`, { body, signal });
          expect((await put("first")).status, `status of the first PUT of ${kind} metadata`).toBe(
            200,
          );
          expect(await read(), `${kind} metadata after its first PUT`).toBe("first");
          expect(
            (await put('{"second":[2,"two"]}')).status,
            `status of the second PUT of ${kind} metadata`,
          ).toBe(200);
          expect(await read(), `${kind} metadata after its second PUT`).toEqual({
            second: [2, "two"],
          });
          const file = `${STORAGE}/cache/${kind === "device" ? "dev" : "usr"}meta/pvh.test-key`;
          expect(await appengine.text(`cat ${file}`), `file of the ${kind} metadata`).toBe(
            '{"second":[2,"two"]}',
          );
          const gone = await control.send("DELETE", `${path}/pvh.test-key`, { signal });
          expect(gone.status, `status of DELETE of ${kind} metadata`).toBe(200);
          expect(await read(), `${kind} metadata after its DELETE`).toBeUndefined();
          const again = await control.send("DELETE", `${path}/pvh.test-key`, { signal });
          expect(
            [again.status, reasonOf(again)],
            `status and reason of DELETE of missing ${kind} metadata`,
          ).toEqual([404, `${kind === "device" ? "Device" : "User"} meta does not exist`]);
          for (const key of ["..%2F..%2Fescaped", "..", "a%2Fb"]) {
            const reply = await control.send("PUT", `${path}/${key}`, { body: "x", signal });
            expect([key, reply.status], "status of a PUT of metadata with a bad key").toEqual([
              key,
              400,
            ]);
          }
        }
      },
    );

    check(
      "ctrl.objects",
      "objects are checked, listed and read back",
      async ({ appengine, control, signal }) => {
        const stdout = await appengine.text(
          "head -c 2000000 /dev/urandom >/tmp/object; sha256sum /tmp/object | cut -c 1-64",
          { signal },
        );
        const sha256 = stdout.trim();
        const put = async (name: string): Promise<string> => {
          const target = `--unix-socket ${CONTROL_SOCKET} http://localhost/objects/${name}`;
          const sent = await appengine.sh(
            `curl -sS -o /dev/null -w '%{http_code}' -T /tmp/object ${target}`,
            { signal },
          );
          return sent.stdout;
        };
        const listed = async () =>
          (await control.json("/objects", signal)) as { sha256: string; size: string }[];
        const wrong = "a".repeat(64);
        expect(await put(wrong), "status of a PUT of an object under another's hash").toBe("422");
        expect(
          (await listed()).map((one) => one.sha256),
          "objects listed after the refused PUT",
        ).not.toContain(wrong);
        expect(await put("abc"), "status of a PUT under what is no hash").toBe("400");
        expect(await put(sha256), "status of the first PUT of an object").toBe("200");
        expect(await put(sha256), "status of the second PUT of the same object").toBe("200");
        expect(await listed(), "objects listed after the PUT").toContainEqual({
          sha256,
          size: "2000000",
        });
        const back = await appengine.sh(
          `curl -sS -D /tmp/head --unix-socket ${CONTROL_SOCKET} http://localhost/objects/${sha256} | sha256sum; cat /tmp/head`,
          { signal },
        );
        expect(back.stdout, "hash of the object that is read back").toMatch(
          new RegExp(`^${sha256} `),
        );
        expect(back.stdout, "headers of the object that is read back").toMatch(
          /^content-type: application\/octet-stream\r?$/im,
        );
        const missing = await control.send("GET", `/objects/${wrong}`, { signal });
        expect(String(missing.status), "status of GET of a missing object").toMatch(/^4\d\d$/);
        expect(
          await appengine.text(`ls -A ${STORAGE}/objects`),
          "files in the folder of objects",
        ).not.toContain(".incoming");
      },
    );

    check(
      "ctrl.steps",
      "steps are listed and read; a bad state is refused with its key",
      async ({ control, signal }) => {
        const state = await currentState(control, signal);
        expect(await control.json("/steps/0", signal), "state of revision 0 from /steps/0").toEqual(
          state,
        );
        expect(
          await control.json("/steps/0/progress", signal),
          "progress of revision 0",
        ).toMatchObject({
          status: "DONE",
          progress: 100,
        });
        const install = (name: string, document: unknown) =>
          control.send("PUT", `/steps/locals/${name}`, { body: JSON.stringify(document), signal });
        const names = async (): Promise<string[]> =>
          ((await control.json("/steps", signal)) as { name: string }[]).map(({ name }) => name);

        const bad: readonly (readonly [string, unknown])[] = [
          [`${IDLE}/run.json`, { ...(state[`${IDLE}/run.json`] as object), name: "another" }],
          [`${IDLE}/run.json`, { ...(state[`${IDLE}/run.json`] as object), group: "nosuch" }],
          [`${IDLE}/lxc.container.conf`, "not a sha256"],
          [`${IDLE}/lxc.container.conf`, "a".repeat(64)],
          ["../escape", {}],
          ["#spec", "pantavisor-service-system@99"],
        ];
        for (const [key, value] of bad) {
          const reply = await install("test-bad", { ...state, [key]: value });
          expect([key, reply.status], "status of a PUT of a state with this bad key").toEqual([
            key,
            422,
          ]);
          const named = value instanceof Object && "group" in value && value.group === "nosuch";
          expect(reasonOf(reply), "reason of the refusal").toContain(named ? "nosuch" : key);
        }
        expect(
          (await install("a%2Fb", state)).status,
          "status of a PUT of a step with a slash in its name",
        ).toBe(400);
        expect(await names(), "steps after refused ones").toEqual(["0"]);

        expect((await install("test-put-rev", state)).status, "status of a PUT of a step").toBe(
          200,
        );
        const message = { body: "as it was", signal };
        const noted = await control.send("PUT", "/steps/locals/test-put-rev/commitmsg", message);
        expect(noted.status, "status of a PUT of its commit message").toBe(200);
        expect(await control.json("/steps", signal), "reply to GET /steps").toEqual([
          expect.objectContaining({ name: "0" }),
          expect.objectContaining({ name: "locals/test-put-rev", commitmsg: "as it was" }),
        ]);
        expect(
          await control.json("/steps/locals/test-put-rev", signal),
          "state of the new step",
        ).toEqual(state);
        expect(
          (await control.send("GET", "/steps/locals/nosuch", { signal })).status,
          "status of GET of a missing step",
        ).toBe(404);
      },
    );

    check(
      "ctrl.config",
      "/config has typed values, /config2 their origin, /buildinfo is text",
      async ({ control, signal }) => {
        expect(await control.json("/config", signal), "values in /config").toMatchObject({
          "updater.goals.timeout": 10,
          "control.remote": false,
          "storage.mntpoint": STORAGE,
        });
        const settings = (await control.json("/config2", signal)) as Record<string, unknown>[];
        expect(settings, "settings in /config2").toContainEqual({
          key: "PV_UPDATER_GOALS_TIMEOUT",
          value: "10",
          modified: expect.stringMatching(/^(default|pv conf file|env)$/) as string,
        });
        const build = await control.send("GET", "/buildinfo", { signal });
        expect(build.status, "status of GET /buildinfo").toBe(200);
        expect(build.headers["content-type"], "content type of /buildinfo").toBe("text/plain");
      },
    );

    check(
      "ctrl.settings",
      "user-meta changes a setting while it runs, /config2 says so, and its removal reverts it",
      async ({ control, signal }) => {
        const level = async () => {
          const settings = (await control.json("/config2", signal)) as { key: string }[];
          expect(settings, "settings in /config2").toHaveLength(113);
          return settings.find(({ key }) => key === "PV_LOG_LEVEL");
        };
        const before = { key: "PV_LOG_LEVEL", value: "4", modified: "pv conf file" };
        expect(await level(), "log level before the change").toEqual(before);
        await control.send("PUT", "/user-meta/log.level", { body: "5", signal });
        try {
          expect(await level(), "log level that user-meta sets").toEqual({
            ...before,
            value: "5",
            modified: "metadata",
          });
        } finally {
          await control.send("DELETE", "/user-meta/log.level", { signal });
        }
        expect(await level(), "log level after the removal").toEqual(before);
      },
    );

    check(
      "ctrl.wakelocks",
      "/wakelocks says that an appengine never sleeps, and who would keep it awake",
      async ({ control, signal }) => {
        const { mode, count, held } = (await control.json("/wakelocks", signal)) as {
          mode: string;
          count: number;
          held: Record<string, boolean>;
        };
        // Without the kernel's wake locks, as in an appengine, the mode locks does what disabled does.
        expect(["disabled", "locks"], "modes of power of an appengine").toContain(mode);
        expect(count, "number of the wake locks").toBe(0);
        expect(Object.values(held), "wake locks that are held").not.toContain(true);
        expect(Object.keys(held), "names of the wake locks").toEqual(
          expect.arrayContaining(["boot", "update", "shutdown", "poll"]),
        );
      },
    );

    check(
      "ctrl.gc",
      "a garbage collection removes refused steps with their objects, and no step that may still run",
      async ({ control, signal }) => {
        const state = await currentState(control, signal);
        const send = async (method: string, path: string, body: string) =>
          (await control.send(method, path, { body, signal })).status;
        const content = `garbage ${"x".repeat(4000)}`;
        const sha256 = createHash("sha256").update(content).digest("hex");
        expect(await send("PUT", `/objects/${sha256}`, content), "status of the object").toBe(200);
        const run = {
          "#spec": "service-manifest-run@1",
          name: "gc",
          services: { required: [{ name: "nobody-has-it" }] },
        };
        const refused = { ...state, "gc/run.json": run, "gc/file": sha256 };
        for (const [name, step] of [
          ["gc-refused", refused],
          ["gc-new", state],
        ] as const) {
          const put = await send("PUT", `/steps/locals/${name}`, JSON.stringify(step));
          expect(put, `status of the PUT of ${name}`).toBe(200);
        }
        const command = JSON.stringify({ op: "LOCAL_RUN", payload: "locals/gc-refused" });
        expect(await send("POST", "/commands", command), "status of running gc-refused").toBe(422);
        const names = async () =>
          ((await control.json("/steps", signal)) as { name: string }[])
            .map(({ name }) => name)
            .filter((name) => /^0$|gc-/.test(name));
        expect(await names(), "steps before the collection").toEqual([
          "0",
          "locals/gc-new",
          "locals/gc-refused",
        ]);
        const { status, body } = await control.send("POST", "/storage/gc", { signal });
        expect(status, "status of the collection").toBe(200);
        expect(
          (JSON.parse(body) as { reclaimed: number }).reclaimed,
          "bytes that the collection says it has freed",
        ).toBeGreaterThanOrEqual(content.length);
        expect(await names(), "steps after the collection").toEqual(["0", "locals/gc-new"]);
        const objects = (await control.json("/objects", signal)) as { sha256: string }[];
        expect(
          objects.map((one) => one.sha256),
          "objects after the collection",
        ).not.toContain(sha256);
      },
    );

    check(
      "ctrl.commands.cloud",
      "commands of the cloud say that the device is local and claimed by nobody",
      async ({ appengine, signal }) => {
        for (const [op, status] of [
          ["UNCLAIM", 204],
          ["GO_REMOTE", 409],
          ["UPDATE_METADATA", 409],
        ] as const) {
          const body = JSON.stringify({ op, payload: "" });
          // Raw: a body behind 204 is no promise, and would be another reply to an HTTP client.
          const request = wholeRequest("POST", "/commands", body);
          const { bytes } = await appengine.rawControl(request, { timeout: 3_000, signal });
          const [reply] = repliesOf(bytes.toString());
          expect([op, reply?.status], "status of a command of the cloud").toEqual([op, status]);
        }
      },
    );

    check(
      "ctrl.groups",
      "/groups lists the groups with their goals and status",
      async ({ control, signal }) => {
        const groups = await control.groups(signal);
        expect(
          groups.map(({ name, status_goal, restart_policy }) => [
            name,
            status_goal,
            restart_policy,
          ]),
          "groups with their goals and policies",
        ).toEqual([
          ["data", "MOUNTED", "system"],
          ["root", "STARTED", "system"],
          ["platform", "STARTED", "system"],
          ["app", "STARTED", "container"],
        ]);
        expect(
          groups.map(({ status }) => status),
          "states of the groups",
        ).toEqual(groups.map(() => "READY"));
        expect(groups.at(-1)?.auto_recovery, "recovery of the group app").toEqual({
          max_retries: 5,
          stable_timeout: 30,
          backoff_policy: "reboot",
        });
      },
    );
  },
);
