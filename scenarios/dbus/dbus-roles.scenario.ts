import { expect } from "../../harness/facts/expect.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { holdBus, speakSasl, uidAtDaemon } from "../support/bus.ts";

const SERVER = "pv-example-dbus-server";
const ROOT = "pv-example-dbus-client";
const NOBODY = "pv-example-dbus-client-nobody";
const SEND =
  "dbus-send --system --print-reply --dest=org.pantavisor.Example /org/pantavisor/Example org.pantavisor.Example.GetInfo";
const BUSCTL =
  "busctl --system call org.pantavisor.Example /org/pantavisor/Example org.pantavisor.Example GetInfo";

const consumerWithRole = (name: string, role: string) =>
  defineContainer({
    name,
    args: {
      PV_SERVICES_REQUIRED: [
        {
          name: "system-bus",
          type: "dbus",
          role,
          interface: "org.pantavisor.Example",
          target: "/run/dbus/system_bus_socket",
        },
      ],
    },
  });

scenario(
  "dbus-roles",
  {
    summary: "a consumer's role decides which user its bus connection belongs to",
    containers: [
      SERVER,
      ROOT,
      NOBODY,
      consumerWithRole("by-name", "messagebus"),
      consumerWithRole("stranger", "nosuchuser"),
    ],
    shares: "bus",
  },
  ({ check }) => {
    check(
      "dbus.role.root",
      "role root calls the service and is uid 0 to the daemon",
      async ({ inside, signal }) => {
        await serviceUp(inside(SERVER), signal);
        const call = await inside(ROOT).sh(SEND, { timeout: 10_000 });
        expect(
          call.stdout + call.stderr,
          "output of dbus-send in the container of role root",
        ).toContain('"service": "dbus-example"');
        await using bus = await holdBus(inside(ROOT));
        expect(
          await uidAtDaemon(inside(SERVER), bus.name),
          "uid of role root's connection at the provider's bus",
        ).toBe(0);
      },
    );

    check(
      "dbus.role.nobody",
      "role nobody calls it with dbus-send and busctl, as uid 65534",
      async ({ inside, signal }) => {
        await serviceUp(inside(SERVER), signal);
        for (const client of [SEND, BUSCTL]) {
          const call = await inside(NOBODY).sh(client, { timeout: 10_000 });
          expect(
            call.stdout + call.stderr,
            "output of the call in the container of role nobody",
          ).toMatch(/service\\*": \\*"dbus-example/);
        }
        await using bus = await holdBus(inside(NOBODY));
        expect(
          await uidAtDaemon(inside(SERVER), bus.name),
          "uid of role nobody's connection at the provider's bus",
        ).toBe(65534);
      },
    );

    check(
      "dbus.role.passwd",
      "a role named in the provider's passwd is that user, any other is nobody",
      async ({ inside }) => {
        const stdout = await inside(SERVER).text(
          "awk -F: '$1 == \"messagebus\" { print $3 }' /etc/passwd",
        );
        await using byName = await holdBus(inside("by-name"));
        expect(
          await uidAtDaemon(inside(SERVER), byName.name),
          "uid of role messagebus's connection at the provider's bus",
        ).toBe(Number(stdout));
        await using stranger = await holdBus(inside("stranger"));
        expect(
          await uidAtDaemon(inside(SERVER), stranger.name),
          "uid of an unknown role's connection at the provider's bus",
        ).toBe(65534);
      },
    );

    check("dbus.auth.bare", "a bare AUTH EXTERNAL gains nothing", async ({ inside }) => {
      expect(
        await uidAfter(inside, ["AUTH EXTERNAL", "DATA"]),
        "uid of the connection at the provider's bus, after a bare AUTH EXTERNAL",
      ).toBe(65534);
    });

    check(
      "dbus.auth.second",
      "a second AUTH after a rejection gains nothing",
      async ({ inside }) => {
        // A broker may judge the first AUTH EXTERNAL, and hand on what comes after its rejection.
        const root = "AUTH EXTERNAL 30";
        const uid = await uidAfter(inside, ["AUTH ANONYMOUS", root, root]);
        expect(uid, "uid of the connection at the provider's bus, after a second AUTH").toBe(65534);
      },
    );
  },
);

/** STARTED says that the container's init runs; the service takes its name a moment later. */
function serviceUp(provider: InsideContainer, signal: AbortSignal): Promise<boolean> {
  const question =
    "busctl --system call org.freedesktop.DBus / org.freedesktop.DBus NameHasOwner s org.pantavisor.Example";
  return until(
    "org.pantavisor.Example to be owned",
    async () => (await provider.text(question)) === "b true\n",
    { signal, timeout: 10_000 },
  );
}

/** Speak these SASL lines from the nobody container; gives the uid that the daemon knows, or the last reply. */
async function uidAfter(
  inside: (container: string) => InsideContainer,
  lines: readonly string[],
): Promise<number | string> {
  await using spoken = await speakSasl(inside(NOBODY), lines);
  return spoken.reply !== "OK" ? spoken.reply : await uidAtDaemon(inside(SERVER), spoken.name);
}
