import { expect } from "../../harness/facts/expect.ts";
import { patientSeconds, python, pythonFile } from "../../harness/appengine/python.ts";
import { until } from "../../harness/until.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { Program } from "../support/program.ts";
import { DISPLAY, allowedOf, listedGlobals, onDisplay, waylandClient } from "../support/wayland.ts";

const SERVER = "pv-example-wayland-server";
const CLIENT = "pv-example-wayland-client";
/** Compositor's socket in its own container, and its log of each message. */
const DIRECT = "/run/example/wayland-0";
const LOG = "/run/example/weston.log";

/** List of the server's services.json for a consumer without a role. */
const ALLOWED = [
  { interface: "wl_compositor", version: 4 },
  { interface: "wl_subcompositor" },
  { interface: "wl_shm" },
  { interface: "wl_output" },
  { interface: "wl_seat" },
  { interface: "xdg_wm_base" },
  { interface: "wl_data_device_manager" },
  { interface: "wp_viewporter" },
  { interface: "wp_presentation" },
];

/** Object and code of the error that ends each session of malformed.py. */
const MALFORMED = {
  "of 4 bytes": [1, 1],
  "of 13 bytes": [1, 1],
  "of 8,192 bytes": [1, 1],
  "unknown object": [1, 0],
  "unknown opcode": [1, 1],
  "too long": [1, 1],
  "id with a gap": [1, 1],
  "id of the server": [1, 1],
  "NUL in a string": [1, 1],
  "no fd": [1, 1],
  "a directory": [1, 1],
  "fds of no message": [1, 3],
};

scenario(
  "wayland-weston",
  {
    summary: "clients reach a compositor through a link, each in a session of its own",
    containers: [SERVER, CLIENT, waylandClient("one"), waylandClient("two")],
  },
  ({ check }) => {
    check(
      "wl.connect",
      "wayland-info lists the compositor's globals that the link allows, no others",
      async ({ inside, signal }) => {
        const offered = await until(
          "the compositor to listen",
          () => listedGlobals(inside(SERVER), DIRECT),
          { signal, timeout: 15_000 },
        );
        const allowed = allowedOf(offered, ALLOWED);
        expect(offered.length, "number of globals that the compositor offers").toBeGreaterThan(
          allowed.length,
        );
        expect(allowed, "globals that the link allows").toContain("wl_compositor 4");
        expect(
          await listedGlobals(inside(CLIENT), DISPLAY),
          "globals that the client sees",
        ).toEqual(allowed);
      },
    );

    check(
      "wl.shm",
      "a client draws with wl_shm: the compositor shows one frame after the other",
      async ({ inside }) => {
        const before = await inside(SERVER).text(`wc -l <${LOG}`);
        const draw = onDisplay(DISPLAY, `timeout ${patientSeconds(2)} weston-simple-shm`);
        expect(
          await inside("one").sh(draw),
          "outcome of the client that draws until its time-out",
        ).toMatchObject({ exitCode: 124 });
        const arrived = await inside(SERVER).text(`tail -n +${before.trim()} ${LOG}`);
        expect(arrived, "requests of the client at the compositor").toMatch(
          /wl_shm@\d+\.create_pool\(new id wl_shm_pool@\d+, fd \d+, \d+\)/,
        );
        expect(
          [...arrived.matchAll(/wl_callback@\d+\.done/g)].length,
          "frames that the compositor reported as shown",
        ).toBeGreaterThan(10);
      },
    );

    check(
      "wl.isolation",
      "two clients have sessions of their own, and a refusal ends one of them only",
      async ({ inside }) => {
        const source = python`
          from probes import tell, wayland
          client = wayland.Client(${DISPLAY})
          compositor = client.bind(client.name_of("wl_compositor"), "wl_compositor", 4)
          output = client.bind(client.name_of("wl_output"), "wl_output", 2)
          surface = client.new_id()
          client.request(compositor, 0, surface)
          client.sync()
          known = {wayland.DISPLAY, wayland.REGISTRY, *range(3, client.last_id + 1)}
          tell([surface, [event[0] for event in client.events if event[0] not in known]])
          if input() == "misbehave": client.request(output, 99)
          tell(client.end())
        `;
        await using one = await Program.python(inside("one"), source);
        await using two = await Program.python(inside("two"), source);
        const both = [await one.json(), await two.json()];
        // The ids are equal, since each session counts its own.
        expect(both[0], "ids of the two clients' objects").toEqual(both[1]);
        expect(both[0], "ids and errors of the first client").toEqual([expect.any(Number), []]);
        one.say("misbehave");
        expect(await one.json(), "error of the session with a bad request").toEqual([
          1,
          1,
          expect.stringMatching(/invalid method 99/),
        ]);
        two.say("go on");
        expect(await two.json(), "the other session").toBe("goes on");
      },
    );

    check(
      "wl.malformed",
      "a malformed message ends its session with an error and never arrives",
      async ({ inside }) => {
        await using bystander = await Program.python(
          inside("two"),
          python`
            from probes import tell, wayland
            client = wayland.Client(${DISPLAY})
            tell("open")
            input()
            client.sync()
            tell("still open")
          `,
        );
        expect(await bystander.json(), "first line of the bystander").toBe("open");
        await using program = await Program.python(
          inside("one"),
          pythonFile(import.meta.dirname, "malformed.py", DISPLAY),
        );
        for (const [name, [object, code]] of Object.entries(MALFORMED)) {
          const ended = [name, [object, code, expect.any(String)]];
          expect(
            await program.json(10_000),
            "ends of the sessions with malformed messages",
          ).toEqual(ended);
        }
        bystander.say("");
        expect(await bystander.json(), "the bystander's session after malformed messages").toBe(
          "still open",
        );
      },
      { timeout: 60_000 },
    );
  },
);
