import { expect } from "../../harness/facts/expect.ts";
import { checkLayer, openCheckout } from "../../harness/layer/check-layer.ts";
import type { BuildLog } from "../../harness/layer/rule.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { LayerCheckout } from "../support/layer-checkout.ts";
import type { LayoutName } from "../support/layer-checkout.ts";

const RELEASE: Readonly<Record<LayoutName, string>> = {
  current: "kas/build-configs/release/docker-x86_64-scarthgap.yaml",
  former: ".github/configs/release/docker-x86_64-scarthgap.yaml",
};
const LAYOUTS: readonly LayoutName[] = ["current", "former"];

/** A change that breaks a row, and the place at which the row has to say so. */
interface Break {
  readonly file: string;
  readonly from: string;
  readonly to?: string;
  readonly at: string;
  readonly logs?: readonly BuildLog[];
}

scenario(
  "layer-rules",
  { summary: "pvh layer: a checkout's faults are found, with file and line", boot: "none" },
  ({ check }) => {
    const rows: Readonly<Record<string, (layout: LayoutName) => readonly Break[]>> = {
      "layer.recipe": () => {
        const file = "recipes-wasm/wasmedge/wasmedge_git.bb";
        return [
          { file, from: "all", at: `${file}:1` },
          { file, from: '"0.14.1"', to: '"0.14.0"', at: `${file}:3` },
          { file, from: "ncurses spdlog", to: "ncurses", at: `${file}:5` },
          { file, from: "clang clang-native", to: "clang-native", at: `${file}:5` },
        ];
      },
      "layer.kconfig": () => [
        { file: "Kconfig", from: "config FEATURE_XCONNECT", to: "# none", at: "Kconfig:1" },
        { file: "Kconfig", from: '\\" wasmedge\\"\\n', to: '\\"wasmedge\\"\\n', at: "Kconfig:10" },
        { file: "Kconfig", from: " if FEATURE_WASMEDGE", at: "Kconfig:10" },
      ],
      "layer.armv7ve": () => [
        { file: "Kconfig", from: ":remove:armv7ve", to: ":armv7ve:remove", at: "Kconfig:10" },
      ],
      "layer.clang": () => [
        {
          file: "kas/appengine-base.yaml",
          from: "  meta-clang:",
          to: "  meta-gcc:",
          at: "kas/appengine-base.yaml:6",
        },
        {
          file: "conf/distro/panta-distro.inc",
          from: 'PREFERRED_PROVIDER_llvm = "clang"',
          to: 'PREFERRED_PROVIDER_llvm = "llvm"',
          at: "conf/distro/panta-distro.inc:4",
        },
      ],
      "layer.machines": (layout) => [
        {
          file: "kas/platforms/docker.yaml",
          from: '" virtualization"',
          to: '" virtualization wayland"',
          at: `${RELEASE[layout]}:17`,
        },
        { file: RELEASE[layout], from: "all", at: `.github/machines.json:1` },
      ],
      "layer.workspace": () => [
        { file: "kas/with-workspace.yaml", from: "all", at: "kas/with-workspace.yaml:1" },
        {
          file: "classes/container-pvrexport.bbclass",
          from: "    export PVR_DISABLE_SELF_UPGRADE=1\n",
          at: "classes/container-pvrexport.bbclass:4",
        },
      ],
      "layer.examples": () => {
        const file = "recipes-containers/pv-examples/pv-example-hello_1.0.bb";
        return [
          { file, from: "ROOTFS_POSTPROCESS_COMMAND", to: "#", at: `${file}:7` },
          { file, from: "install_scripts()", to: "do_install()", at: `${file}:7` },
        ];
      },
      "layer.libthttp": () => [
        {
          file: "build/workspace/appends/libthttp_git.bbappend",
          from: "all",
          at: "build/workspace/appends/libthttp_git.bbappend:1",
        },
        {
          file: "Kconfig",
          from: "menu",
          to: "menu",
          at: "console.log:2",
          logs: [{ name: "console.log", text: LINKING }],
        },
      ],
    };
    for (const [id, breaks] of Object.entries(rows)) {
      check(
        id,
        "a checkout that keeps it passes, one that does not is told where",
        async ({ quirks }) => {
          for (const layout of LAYOUTS) {
            await using sound = await LayerCheckout.of(layout);
            expect(stateOf(id, sound, quirks), `row of a sound ${layout} checkout`).toEqual({
              state: "ok",
              places: [],
            });
            for (const { file, from, to = "", at, logs } of breaks(layout)) {
              await using broken = await LayerCheckout.of(layout);
              broken.change(file, from, to);
              const { state, places } = stateOf(id, broken, quirks, logs);
              expect(
                { state, place: places[0] },
                `row of a ${layout} checkout with ${file} changed at ${JSON.stringify(from)}`,
              ).toEqual({
                state: "failed",
                place: at,
              });
            }
          }
        },
      );
    }
  },
);

const LINKING = [
  "| ld: CMakeFiles/pv-xconnect.dir/main.c.o: in function `parse_graph':",
  "| main.c:(.text+0x1f4): undefined reference to `jsmnutil_traverse_token'",
  "| collect2: error: ld returned 1 exit status",
].join("\n");

/** The row's state, and where it is broken; a mend is told for each place. */
function stateOf(
  id: string,
  checkout: LayerCheckout,
  quirks: readonly string[],
  logs: readonly BuildLog[] = [],
): { state: string | undefined; places: string[] } {
  const row = checkLayer(openCheckout(checkout.path), { quirks, logs }).find(
    (one) => one.id === id,
  );
  const findings = row?.findings ?? [];
  expect(
    findings.filter(({ mend }) => mend === ""),
    "findings without a mend",
  ).toEqual([]);
  return { state: row?.state, places: findings.map(({ file, line }) => `${file}:${line}`) };
}
