import { PvhError } from "../../errors.ts";
import type { Checkout } from "../../layer/checkout.ts";
import { layoutOf, RELEASE_FOLDERS } from "../../layer/layouts.ts";
import { didYouMean } from "../../near-names.ts";

export interface KasWish {
  /** Default: the docker machine of this processor. */
  readonly machine?: string | undefined;
  /** Recipes to build; none: those of the configuration. */
  readonly targets: readonly string[];
  /** With the overlay of `build/workspace`. */
  readonly workspace: boolean;
}

/** A build, as kas-container is called for it. */
export interface KasPlan {
  readonly machine: string;
  /** Release configuration, and overlays, as paths in the checkout. */
  readonly configs: readonly string[];
  readonly targets: readonly string[];
  /** An image of an appengine is among what is built. */
  readonly makesImage: boolean;
}

const OVERLAY = "kas/with-workspace.yaml";
/** A word of bitbake, as recipes, machines and multiconfigs have it. */
const WORD = /^[A-Za-z0-9][\w.+:-]*$/;

/** @throws PvhError PVH_USAGE for a wish that this checkout cannot fulfil */
export function kasPlan(checkout: Checkout, wish: KasWish, architecture = process.arch): KasPlan {
  if (!checkout.has("kas-container")) {
    throw new PvhError("PVH_USAGE", `${checkout.root} has no kas-container`, {
      hint: `pvh layer ${checkout.root} tells what else it lacks`,
    });
  }
  const layout = layoutOf(checkout);
  if (layout === undefined) {
    throw new PvhError(
      "PVH_USAGE",
      `${checkout.root} has another layout: no release configuration is in ${RELEASE_FOLDERS}`,
      { hint: ".github/scripts/makemachines writes them" },
    );
  }
  const files = checkout.under(layout.release, ".yaml");
  const machine = wish.machine ?? (architecture === "arm64" ? "docker-armv8" : "docker-x86_64");
  const name = (file: string): string => file.slice(layout.release.length + 1, -".yaml".length);
  // MACHINE-CODENAME.yaml; a machine's own name may have dashes.
  const release = files.find((file) => name(file).replace(/-[a-z]+$/, "") === machine);
  if (release === undefined) {
    const known = files.map((file) => name(file).replace(/-[a-z]+$/, ""));
    throw new PvhError("PVH_USAGE", `${layout.release} has no configuration of ${machine}`, {
      hint: didYouMean(machine, known) ?? `it has ${known.join(", ")}`,
    });
  }
  const wrong = wish.targets.find((target) => !WORD.test(target));
  if (wrong !== undefined) {
    throw new PvhError("PVH_USAGE", `--target ${wrong}: it is no name of a recipe`);
  }
  if (wish.workspace) needWorkspace(checkout);
  return {
    machine,
    configs: [release, ...(wish.workspace ? [OVERLAY] : [])],
    targets: wish.targets,
    makesImage:
      machine.startsWith("docker-") &&
      (wish.targets.length === 0 ||
        wish.targets.some((target) => /^pantavisor-appengine(-distro)?$/.test(target))),
  };
}

function needWorkspace(checkout: Checkout): void {
  const lacks = [OVERLAY, "build/workspace/conf/layer.conf"].find((path) => !checkout.has(path));
  if (lacks === undefined) return;
  throw new PvhError("PVH_USAGE", `--workspace: ${checkout.root} has no ${lacks}`, {
    hint: "./kas-container shell CONFIG -c 'devtool modify pantavisor' makes the workspace",
  });
}
