/** Files beside the modules that a run reads. */
export const DATA = [
  "containers/{appengine,examples,guests,probes}/**",
  "examples/greeter/**",
  "fixtures/catalogue.json",
  "fixtures/{kas,layers,pv-tests}/**",
  "fixtures/layers/*/.github/**",
  "harness/bench/load/*",
  "harness/image/rootfs.ts",
  "harness/import/utils.sh",
  "harness/project/template/**",
  "harness/project/template/.github/**",
  "harness/run/end-workers.sh",
  "reports/html/client/*.ts",
  "scenarios/**/*.{py,wasm,json,txt}",
  "package-lock.json",
];

/** Files beside the modules that only a clone needs. */
export const LEFT_OUT = [
  "broker/shared/protocols/wayland/NOTICE",
  "harness/python/**",
  "harness/setup/**",
  "reports/html/client/tsconfig.json",
  "scenarios/wasm/guests/*.{c,wat}",
  "**/testdata/**",
];
