/** Quirks of `pvh layer`: the row that it calls kept whatever the checkout is. */
export const BLIND_RULES: Readonly<Record<string, string>> = {
  "layer-recipe-unread": "layer.recipe",
  "layer-kconfig-unread": "layer.kconfig",
  "layer-armv7ve-unread": "layer.armv7ve",
  "layer-clang-unread": "layer.clang",
  "layer-machines-unread": "layer.machines",
  "layer-workspace-unread": "layer.workspace",
  "layer-examples-unread": "layer.examples",
  "layer-libthttp-unread": "layer.libthttp",
};
