import { expect } from "../../harness/facts/expect.ts";
import { python } from "../../harness/appengine/python.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { Program } from "../support/program.ts";
import { SWAY_LOG, SWAY_SOCKET, startSway } from "../support/sway.ts";
import { DISPLAY, allowedOf, listedGlobals, waylandClient } from "../support/wayland.ts";

const SWAY = "sway";

const GLOBALS = [
  { interface: "wl_compositor", version: 3 },
  { interface: "wl_shm" },
  { interface: "wl_seat", version: 5 },
  { interface: "wl_output" },
  { interface: "xdg_wm_base" },
];

const sway = defineContainer({
  name: SWAY,
  root: "wayland",
  services: [{ name: "display", type: "wayland", socket: SWAY_SOCKET, globals: GLOBALS }],
});

scenario(
  "wayland-sway",
  {
    summary: "what a link hides of a compositor with privileged globals cannot be reached",
    containers: [sway, waylandClient("client")],
  },
  ({ check }) => {
    check(
      "wl.filter",
      "hidden globals are invisible, and no request for one reaches the compositor",
      async ({ inside }) => {
        await using running = new AsyncDisposableStack();
        running.use(await startSway(inside(SWAY)));
        const offered = await listedGlobals(inside(SWAY), SWAY_SOCKET);
        const allowed = allowedOf(offered, GLOBALS);
        expect(offered, "globals that the compositor offers").toContain(
          "zwlr_screencopy_manager_v1 3",
        );
        expect(allowed, "globals that the link allows").toHaveLength(GLOBALS.length);
        expect(
          await listedGlobals(inside("client"), DISPLAY),
          "globals that the client sees",
        ).toEqual(allowed);

        // A name that is only known to a direct client.
        await using spy = await Program.python(
          inside(SWAY),
          python`
            from probes import tell, wayland
            tell(wayland.Client(${SWAY_SOCKET}).name_of("zwlr_screencopy_manager_v1"))
          `,
        );
        const hidden = (await spy.json()) as number;
        await using program = await Program.python(
          inside("client"),
          python`
            from probes import tell, wayland
            def end(name, interface, version):
                client = wayland.Client(${DISPLAY})
                client.bind(name or client.name_of("wl_compositor"), interface, version)
                return client.end()
            screencopy = "zwlr_screencopy_manager_v1"
            tell([end(${hidden}, screencopy, 1), end(${hidden}, "wl_shm", 1),
                  end(0, screencopy, 1), end(0, "wl_compositor", 4), end(0, "wl_compositor", 0)])
          `,
        );
        expect(await program.json(15_000), "errors of requests for hidden globals").toEqual([
          [2, 0, `invalid global zwlr_screencopy_manager_v1 (${hidden})`],
          [2, 0, `invalid global wl_shm (${hidden})`],
          [2, 0, expect.stringContaining("invalid global zwlr_screencopy_manager_v1")],
          [2, 0, expect.stringMatching(/^invalid version .*: have 3, wanted 4$/)],
          [2, 0, expect.stringMatching(/^invalid version .*: have 3, wanted 0$/)],
        ]);
        const log = await inside(SWAY).text(`cat ${SWAY_LOG}`);
        expect(log, "log of the compositor").toContain('"zwlr_screencopy_manager_v1"');
        expect(log, "log of the compositor, about a bind of a hidden global").not.toMatch(
          /bind\(\d+, "zwlr_screencopy_manager_v1"/,
        );
        expect(log, "log of the compositor, about a bind with a wrong version").not.toMatch(
          /bind\(\d+, "wl_compositor", [04]/,
        );
      },
      { timeout: 60_000 },
    );
  },
);
