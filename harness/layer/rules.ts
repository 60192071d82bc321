import type { LayerRule } from "./rule.ts";
import { armv7veRule } from "./rules/armv7ve.ts";
import { buildRule } from "./rules/build.ts";
import { clangRule } from "./rules/clang.ts";
import { examplesRule } from "./rules/examples.ts";
import { kconfigRule } from "./rules/kconfig.ts";
import { libthttpRule } from "./rules/libthttp.ts";
import { loadRule } from "./rules/load.ts";
import { machinesRule } from "./rules/machines.ts";
import { recipeRule } from "./rules/recipe.ts";
import { workspaceRule } from "./rules/workspace.ts";

/** The rules, in the order of the catalogue's rows. */
export const LAYER_RULES: readonly LayerRule[] = [
  recipeRule,
  kconfigRule,
  armv7veRule,
  clangRule,
  machinesRule,
  workspaceRule,
  buildRule,
  loadRule,
  examplesRule,
  libthttpRule,
];
