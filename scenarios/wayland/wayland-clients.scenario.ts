import { expect } from "../../harness/facts/expect.ts";
import { pythonFile } from "../../harness/appengine/python.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { Program } from "../support/program.ts";
import { SWAY_LOG, SWAY_SOCKET, startSway } from "../support/sway.ts";
import { DISPLAY, onDisplay, waylandClient } from "../support/wayland.ts";

/** No `globals`: the link has the default allow-list. */
const sway = defineContainer({
  name: "sway",
  root: "wayland",
  services: [{ name: "display", type: "wayland", socket: SWAY_SOCKET }],
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
    summary: "stock clients work through a link with the default allow-list",
    containers: [sway, waylandClient("client")],
  },
  ({ check }) => {
    check(
      "wl.keyboard",
      "a terminal has the keyboard's focus and keymap: what is typed is what its shell reads",
      async ({ inside, signal }) => {
        await using running = new AsyncDisposableStack();
        running.use(await startSway(inside("sway"), signal));
        const keyboard = running.use(
          await Program.python(
            inside("sway"),
            pythonFile(import.meta.dirname, "keyboard.py", SWAY_SOCKET, KEYMAP),
          ),
        );
        expect(await keyboard.json(), "first line of the keyboard").toBe("plugged in");
        const foot = `foot sh -c 'read line; echo "$line" >${TYPED}'`;
        const command = onDisplay(DISPLAY, `LC_ALL=C.UTF-8 ${foot}`);
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
  },
);
