import { expect } from "../../harness/facts/expect.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { pythonFile } from "../../harness/appengine/python.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { Program } from "../support/program.ts";
import { SWAY_LOG, SWAY_SOCKET, startSway } from "../support/sway.ts";
import { onDisplay } from "../support/wayland.ts";
import { MORE, WITH_KEYBOARD, WITHOUT_KEYBOARD, WITH_MORE } from "./stock-clients.ts";

const SOCKET = "/run/example/wayland-0";
/** No `globals`, so that the links have the default allow-list; but for `weston-more`. */
const sway = defineContainer({
  name: "sway",
  root: "wayland",
  services: [{ name: "sway", type: "wayland", socket: SWAY_SOCKET }],
});
const weston = defineContainer({
  name: "weston",
  root: "wayland",
  program: "/usr/bin/pv-wayland-server",
  services: [
    { name: "weston", type: "wayland", socket: SOCKET },
    { name: "weston-more", type: "wayland", socket: SOCKET, globals: MORE },
  ],
});

const display = (service: string) => `/run/pv/services/${service}`;
const client = defineContainer({
  name: "client",
  root: "wayland",
  args: {
    PV_SERVICES_REQUIRED: ["sway", "weston", "weston-more"].map((name) => ({
      name,
      type: "wayland",
      target: display(name),
    })),
  },
});

/** File of the line that the terminal's shell has read. */
const TYPED = "/tmp/typed";

/** A layout that no default has: the key of A (code 30) types a lambda. */
const KEYMAP = `xkb_keymap {
  xkb_keycodes { include "evdev" };
  xkb_types { include "basic" };
  xkb_compat { include "basic" };
  xkb_symbols { key <AC01> { [ Greek_lambda ] }; key <RTRN> { [ Return ] }; };
};`;

scenario(
  "wayland-clients",
  {
    summary: "stock clients work through links with the default allow-list",
    containers: [sway, weston, client],
  },
  ({ check }) => {
    check(
      "wl.keyboard",
      "a terminal has the keyboard's focus and keymap: what is typed is what its shell reads",
      async ({ inside, signal }) => {
        await using running = new AsyncDisposableStack();
        running.use(await startSway(inside("sway")));
        const keyboard = running.use(await plugIn(inside("sway")));
        const foot = `foot sh -c 'read line; echo "$line" >${TYPED}'`;
        const command = onDisplay(display("sway"), `LC_ALL=C.UTF-8 ${foot}`);
        running.use(await Program.start(inside("client"), ["sh", "-c", command], "foot"));
        const log = () => inside("sway").text(`cat ${SWAY_LOG}`);
        const hasFocus = async () => /-> wl_keyboard@\d+\.enter\(/.test(await log());
        await until("the terminal to have the keyboard's focus", hasFocus, {
          signal,
          timeout: 10_000,
        });
        keyboard.say("30 28");
        expect(await keyboard.json(), "what the keyboard did").toBe("typed");
        const typed = async () =>
          (await inside("client").text(`cat ${TYPED} 2>&- || :`)) || undefined;
        const line = await until("a line from the terminal", typed, { signal, timeout: 5_000 });
        expect(line, "line that was typed").toBe("λ\n");
      },
      { timeout: 60_000 },
    );

    check(
      "wl.clients",
      "30 of Debian's clients draw, or do what they are for, and are sent no error",
      async ({ inside }) => {
        await using running = new AsyncDisposableStack();
        running.use(await startSway(inside("sway")));
        running.use(await plugIn(inside("sway")));
        const outcomes = async (service: string, clients: Readonly<Record<string, string>>) => {
          const commands = Object.keys(clients);
          await using program = await Program.python(
            inside("client"),
            pythonFile(import.meta.dirname, "clients.py", display(service), commands),
          );
          return await program.json(45_000);
        };
        for (const [service, clients] of [
          ["weston", WITHOUT_KEYBOARD],
          ["weston-more", WITH_MORE],
          ["sway", WITH_KEYBOARD],
        ] as const) {
          expect(await outcomes(service, clients), `outcomes of clients of ${service}`).toEqual(
            clients,
          );
        }
      },
      { timeout: 90_000 },
    );
  },
);

/** A keyboard for sway, which types the codes of the lines that it is told. */
async function plugIn(compositor: InsideContainer): Promise<Program> {
  const keyboard = await Program.python(
    compositor,
    pythonFile(import.meta.dirname, "keyboard.py", SWAY_SOCKET, KEYMAP),
  );
  expect(await keyboard.json(), "first line of the keyboard").toBe("plugged in");
  return keyboard;
}
