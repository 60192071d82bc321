import { clock } from "../../harness/clock/clock.ts";
import { expect } from "../../harness/facts/expect.ts";
import { CONTROL_SOCKET } from "../../harness/appengine/layout.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { waitForStatus } from "../support/steps.ts";

const SERVER = "pv-example-unix-server";
const CLIENT = "pv-example-unix-client";
const PVCURL = `pvcurl --unix-socket ${CONTROL_SOCKET}`;

scenario(
  "ctrl-tools",
  {
    summary: "pvcurl, pventer and the lxc tools do what is documented and agree with the API",
    containers: [SERVER, CLIENT],
  },
  ({ check }) => {
    check(
      "ctrl.tools.pvcurl",
      "pvcurl gets, puts, gives up in time, writes files, and runs in parallel",
      async ({ appengine, control, signal }) => {
        const sh = async (script: string) => appengine.sh(script, { signal, timeout: 15_000 });
        const list = await sh(`${PVCURL} http://localhost/containers`);
        expect(list.exitCode, "exit code of pvcurl /containers").toBe(0);
        expect(
          (JSON.parse(list.stdout) as { name: string }[]).map(({ name }) => name),
          "containers that pvcurl lists",
        ).toEqual((await control.containers(signal)).map(({ name }) => name));
        const put = `${PVCURL} -X PUT --data '{"ä":1}' http://localhost/user-meta/pvcurl`;
        expect((await sh(`${put} -w '%{http_code}'`)).stdout, "status of a PUT with pvcurl").toBe(
          "200",
        );
        expect(
          await control.json("/user-meta", signal),
          "user metadata after the PUT with pvcurl",
        ).toMatchObject({ pvcurl: { ä: 1 } });
        const missing = await sh(`${PVCURL} -o /tmp/out -w '%{http_code}' http://localhost/nosuch`);
        const { status } = await control.send("GET", "/nosuch", { signal });
        expect(missing.stdout, "status of an unknown path, as pvcurl prints it").toBe(
          String(status),
        );
        expect((await sh("cat /tmp/out")).stdout, "file that pvcurl wrote").toBe(
          '{"Error":"unknown endpoint: /nosuch"}',
        );

        const silent = await sh(
          `rm -f /tmp/silent; nc -lU /tmp/silent >/dev/null & while ! [ -S /tmp/silent ]; do :; done
           begun=$(date +%s); pvcurl --max-time 1 --unix-socket /tmp/silent http://localhost/; code=$?
           kill $!; echo "$code $(($(date +%s) - begun))"`,
        );
        const [code, seconds] = silent.stdout.trim().split(" ").map(Number);
        expect(code, "curl's exit code for a time-out").toBe(28);
        expect(seconds, "seconds until pvcurl gave up").toBeLessThan(4 * clock.stretch());

        const parallel = await sh(
          `for n in $(seq 20); do ${PVCURL} http://localhost/nosuch/$n >/tmp/parallel.$n & done; wait
           for n in $(seq 20); do echo "$(cat /tmp/parallel.$n)"; done`,
        );
        expect(parallel.stdout.trim().split("\n"), "replies to 20 parallel pvcurl").toEqual(
          Array.from({ length: 20 }, (_, n) => `{"Error":"unknown endpoint: /nosuch/${n + 1}"}`),
        );
      },
    );

    check(
      "ctrl.tools.words",
      "pvcontrol takes the words of scripts, prints a line for each answer, and pventer takes a shell's line",
      async ({ appengine, control, signal }) => {
        const sh = async (script: string) => appengine.sh(script, { signal, timeout: 15_000 });
        const saved = await sh("pvcontrol devmeta upload pvh.word blue");
        expect([saved.exitCode, saved.stdout], "exit code and output of devmeta upload").toEqual([
          0,
          "\n",
        ]);
        expect(await control.json("/device-meta", signal), "device-meta").toMatchObject({
          "pvh.word": "blue",
        });
        const listed = await sh("pvcontrol devmeta list");
        expect(JSON.parse(listed.stdout), "output of devmeta list").toMatchObject({
          "pvh.word": "blue",
        });
        expect(
          (await sh("pvcontrol devmeta delete pvh.word")).exitCode,
          "exit code of devmeta delete",
        ).toBe(0);
        for (const words of ["--help", "-h", "steps --help"]) {
          const help = await sh(`pvcontrol ${words}`);
          expect([words, help.exitCode, help.stderr], "words, exit code and stderr").toEqual([
            words,
            0,
            "",
          ]);
          expect(help.stdout, "help").toMatch(/usage: pvcontrol/i);
        }
        expect((await sh("pvcontrol steps nosuch")).exitCode, "exit code of an unknown verb").toBe(
          1,
        );
        await sh(
          `printf '#!/bin/sh\necho asked >/tmp/asked; exec pvcurl "$@"\n' >/tmp/own-curl; chmod +x /tmp/own-curl`,
        );
        expect(
          (await sh("CURL_CMD=/tmp/own-curl pvcontrol groups ls")).exitCode,
          "exit code with a CURL_CMD",
        ).toBe(0);
        expect((await sh("cat /tmp/asked")).stdout, "trace of the CURL_CMD").toBe("asked\n");
        const line = await sh(`pventer -c ${SERVER} 'echo a b | wc -w'`);
        expect(line.stdout.trim(), "output of a shell's line in the container").toBe("2");
      },
    );

    check(
      "ctrl.tools.pventer",
      "pventer runs a command inside the container and gives its exit code",
      async ({ appengine, inside, signal }) => {
        const pid = await inside(SERVER).pid();
        for (const kind of ["mnt", "pid"]) {
          const entered = await appengine.sh(
            `pventer -c ${SERVER} readlink /proc/self/ns/${kind}`,
            {
              signal,
            },
          );
          const wanted = await appengine.sh(`readlink /proc/${pid}/ns/${kind}`, { signal });
          expect(entered.stdout, "output of the command that pventer runs").toBe(wanted.stdout);
        }
        const name = await appengine.sh(`pventer -c ${SERVER} sh -c 'hostname; exit 7'`, {
          signal,
        });
        expect([name.stdout.trim(), name.exitCode], "hostname and exit code from pventer").toEqual([
          SERVER,
          7,
        ]);
        expect(
          (await appengine.sh("pventer -c nonexistent true", { signal })).exitCode,
          "exit code of pventer for an unknown container",
        ).not.toBe(0);
        expect(
          (await appengine.sh("pventer", { signal })).exitCode,
          "exit code of pventer without arguments",
        ).toBe(1);
      },
    );

    check(
      "ctrl.tools.lxc",
      "lxc-ls and lxc-info say of states and pids what the API says",
      async ({ appengine, control, signal }) => {
        const [link] = await appengine.graph(signal);
        expect([link?.consumer, link?.provider], "peers of the link in the graph").toEqual([
          CLIENT,
          SERVER,
        ]);
        for (const [name, pid] of [
          [CLIENT, link?.consumer_pid],
          [SERVER, link?.provider_pid],
        ] as const) {
          const info = await appengine.sh(`lxc-info -n ${name} -p -H`, { signal });
          expect([name, Number(info.stdout)], `pid of ${name} from lxc-info`).toEqual([name, pid]);
        }
        expect(
          await lxcStates(),
          "states of lxc-ls beside those of the API, while all run",
        ).toEqual(await controlStates());
        await control.stop(CLIENT, signal);
        await waitForStatus(control, CLIENT, "STOPPED", signal);
        expect(await lxcStates(), "states of lxc-ls beside those of the API, after a stop").toEqual(
          await controlStates(),
        );
        await control.start(CLIENT, signal);
        await waitForStatus(control, CLIENT, "STARTED", signal);
        expect(
          await lxcStates(),
          "states of lxc-ls beside those of the API, after a start",
        ).toEqual(await controlStates());

        async function lxcStates(): Promise<string[][]> {
          const stdout = await appengine.text("lxc-ls -f", { signal });
          const rows = stdout.trim().split("\n").slice(1);
          return rows.map((row) => row.split(/ +/).slice(0, 2)).sort();
        }
        async function controlStates(): Promise<string[][]> {
          const containers = await control.containers(signal);
          return containers
            .map(({ name, status }) => [name, status === "STARTED" ? "RUNNING" : status])
            .sort();
        }
      },
    );
  },
);
