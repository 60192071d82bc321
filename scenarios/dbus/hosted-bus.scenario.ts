import { STORAGE } from "../../harness/appengine/layout.ts";
import { python } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { holdBus, speakSasl } from "../support/bus.ts";
import {
  HOSTED_SOCKET,
  HOSTS_BUS,
  NAME,
  OWNER_ROLE,
  busUser,
  callAs,
  callName,
  nameOwner,
  uidAtBus,
  uidInGraph,
} from "../support/hosted-bus.ts";
import { BusServices } from "../support/open-bus.ts";
import { Program } from "../support/program.ts";
import { commandOf } from "../support/steps.ts";

const OWNER = "hosted-owner";
const OPERATOR = "hosted-operator";
const STRANGER = "hosted-stranger";
const ANONYMOUS = "hosted-anonymous";

const DAEMON = "pv-dbus";
const REQUEST_NAME = "org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus RequestName";

scenario(
  "hosted-bus",
  {
    summary: "pantavisor hosts a system bus on which roles own and call names",
    containers: [
      nameOwner(OWNER, ["operator"]),
      busUser(OPERATOR, "operator"),
      busUser(STRANGER, "stranger"),
      busUser(ANONYMOUS),
    ],
    env: HOSTS_BUS,
    requires: ["hosted-bus"],
  },
  ({ check }) => {
    check(
      "dbus.hosted.call",
      "a role that the owner allows calls its name, and gets the reply",
      async ({ inside, signal }) => {
        await using owner = await BusServices.onLinkedBus(inside(OWNER), [NAME], signal);
        const { stdout, stderr } = await callName(inside(OPERATOR));
        const what = "output of dbus-send of the role operator";
        expect(stdout + stderr, what).toContain(`string "${NAME}"`);
        expect(stdout, what).toContain(`sender=${owner.uniqueNames[NAME] ?? ""} `);
      },
    );

    check(
      "dbus.hosted.deny",
      "a role that the owner does not allow is denied by the broker, and by the bus itself",
      async ({ appengine, control, inside, signal }) => {
        await using owner = await BusServices.onLinkedBus(inside(OWNER), [NAME], signal);
        for (const container of [STRANGER, ANONYMOUS]) {
          const call = await callName(inside(container));
          expect(call.stderr, `errors of dbus-send in ${container}`).toContain("AccessDenied");
          const uid = await uidInGraph(control, container, signal);
          const direct = await callAs(appengine, uid, `${NAME} /p a.b C`);
          expect(direct.stderr, `errors of busctl as uid ${uid}`).toContain("Access denied");
        }
        const operator = await uidInGraph(control, OPERATOR, signal);
        const allowed = await callAs(appengine, operator, `${NAME} /p a.b C`);
        expect(allowed.stdout, "output of busctl as the operator's uid").toBe(`s "${NAME}"\n`);
        const heard = await owner.heard(NAME);
        expect(
          heard.filter(({ type }) => type === "method_call"),
          "calls that the owner has got",
        ).toHaveLength(1);
      },
    );

    check(
      "dbus.hosted.own",
      "a role that calls a name cannot own it, through the broker or on the bus itself",
      async ({ appengine, control, inside, signal }) => {
        for (const name of [NAME, "org.example.Other"]) {
          const request = `busctl --system call ${REQUEST_NAME} su ${name} 0`;
          const call = await inside(OPERATOR).sh(request, { timeout: 10_000 });
          expect(call.stderr, `errors of a request for ${name}`).toContain("denied");
          const uid = await uidInGraph(control, OPERATOR, signal);
          const direct = await callAs(appengine, uid, `${REQUEST_NAME} su ${name} 0`);
          expect(direct.stderr, `errors of a request for ${name} as uid ${uid}`).toContain(
            "Access denied",
          );
        }
      },
    );

    check(
      "dbus.hosted.identity",
      "each consumer is its role's uid to the bus, whatever it says in AUTH",
      async ({ appengine, control, inside, signal }) => {
        for (const container of [OWNER, OPERATOR, STRANGER, ANONYMOUS]) {
          await using bus = await holdBus(inside(container));
          expect(
            await uidAtBus(appengine, bus.name),
            `uid at the bus of a connection of ${container}`,
          ).toBe(await uidInGraph(control, container, signal));
        }
        const root = "AUTH EXTERNAL 30";
        const owner = Buffer.from(String(await uidInGraph(control, OWNER, signal))).toString("hex");
        for (const lines of [
          [root],
          [`AUTH EXTERNAL ${owner}`],
          ["AUTH EXTERNAL", "DATA"],
          ["AUTH ANONYMOUS", root, root],
        ]) {
          await using spoken = await speakSasl(inside(STRANGER), lines);
          expect(spoken.reply, `last reply to ${lines.join(", ")}`).toBe("OK");
          expect(
            await uidAtBus(appengine, spoken.name),
            `uid at the bus after ${lines.join(", ")}`,
          ).toBe(await uidInGraph(control, STRANGER, signal));
        }
      },
    );

    check(
      "dbus.hosted.graph",
      "a link of the bus names pantavisor as its provider, and the role's uid",
      async ({ appengine, control, signal }) => {
        const file = `${STORAGE}/config/dbus-role-uids.json`;
        const uids = JSON.parse(await appengine.text(`cat ${file}`)) as Record<string, number>;
        const graph = await control.graph(signal);
        expect(graph, "the graph").toHaveLength(4);
        for (const [consumer, role] of [
          [OWNER, OWNER_ROLE],
          [OPERATOR, "operator"],
          [STRANGER, "stranger"],
          [ANONYMOUS, "any"],
        ] as const) {
          const link = graph.find((entry) => entry.consumer === consumer);
          expect(link, `link of ${consumer}`).toMatchObject({
            ...{ provider: "_pv_", provider_pid: 0, name: "system-bus", type: "dbus", role },
            ...{ socket: HOSTED_SOCKET, uid: role === "any" ? 65534 : uids[role] },
          });
        }
      },
    );

    check(
      "dbus.hosted.flood",
      "150 connections of one consumer that stop within their Hello keep no other from calling",
      async ({ inside, signal }) => {
        await using owner = await BusServices.onLinkedBus(inside(OWNER), [NAME], signal);
        await using flood = await Program.python(
          inside(STRANGER),
          python`
            from probes import bus, hold
            peers = [bus.connect() for _ in range(150)]
            for peer in peers:
                assert bus.ask(peer, "AUTH EXTERNAL 30").startswith("OK")
                peer.sendall(b"BEGIN\r\nl")
            print("open")
            hold()
          `,
        );
        expect(await flood.line(), "line of the flood").toBe("open");
        const { stdout, stderr } = await callName(inside(OPERATOR));
        expect(stdout + stderr, "output of dbus-send meanwhile").toContain(
          `sender=${owner.uniqueNames[NAME] ?? ""} `,
        );
      },
    );

    check(
      "dbus.hosted.daemon",
      "pv-dbus is listed with its own process, and is respawned",
      async ({ appengine, control, inside, signal }) => {
        const daemon = async () => {
          const found = (await control.daemons(signal)).find(({ name }) => name === DAEMON);
          expect(found, "pv-dbus in /daemons").toMatchObject({ respawn: true });
          return found?.pid ?? -1;
        };
        const first = await daemon();
        expect(await commandOf(appengine, first), "program of pv-dbus").toContain("dbus-daemon");
        await appengine.text(`kill -9 ${first}`);
        await until(
          "pv-dbus to run again",
          async () => {
            const pid = await daemon();
            return pid > 0 && pid !== first;
          },
          { signal, timeout: 15_000 },
        );
        await until(
          "the bus to answer",
          async () => (await inside(OWNER).sh("busctl --system list")).exitCode === 0,
          { signal, timeout: 15_000 },
        );
        expect(
          await appengine.text(`grep -c ' /volumes/' /proc/${await daemon()}/mounts || :`),
          "volumes of containers that the new pv-dbus would keep mounted",
        ).toBe("0\n");
        await using owner = await BusServices.onLinkedBus(inside(OWNER), [NAME], signal);
        const { stdout, stderr } = await callName(inside(OPERATOR));
        expect(stdout + stderr, "output of dbus-send afterwards").toContain(
          `sender=${owner.uniqueNames[NAME] ?? ""} `,
        );
      },
    );
  },
);
