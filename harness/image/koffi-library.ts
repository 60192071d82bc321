import type { Plugin } from "esbuild";
import { packageFolder } from "../package-folder.ts";
import type { LayerFile } from "./layer.ts";
import { filesBelow } from "./layer.ts";

/** Path of koffi's library for this machine, beside the bundles and in its package. */
const LIBRARY = `linux_${process.arch}/koffi.node`;

/**
 * koffi in a bundle: its library alone. koffi's loader finds the library of any machine and brings
 * deprecated functions, which takes 5 ms of CPU in each start of a program.
 */
export const KOFFI: Plugin = {
  name: "koffi",
  setup(build) {
    build.onResolve({ filter: /^koffi$/ }, () => ({ path: LIBRARY, namespace: "koffi" }));
    build.onLoad({ filter: /^/, namespace: "koffi" }, ({ path }) => ({
      contents: `process.dlopen(module, __dirname + "/${path}");`,
    }));
  },
};

/** @param home folder of the bundles, without the leading slash */
export async function koffiLibrary(home: string): Promise<LayerFile[]> {
  const native = packageFolder(`@koromix/koffi-linux-${process.arch}`, packageFolder("koffi"));
  const files = await filesBelow(native, home);
  return files.filter(({ path }) => path === `${home}/${LIBRARY}`);
}
