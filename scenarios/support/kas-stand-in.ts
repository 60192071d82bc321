import { chmodSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { LayerCheckout } from "./layer-checkout.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/kas");

const SET = ["PATH", "STANDIN_ENGINE", "KAS_ALLOW_ROOT", "KAS_CONTAINER_ENGINE"] as const;

/**
 * Do something with stand-ins for kas-container and docker's client, which PATH leads to.
 * @param script what runs in place of kas's container
 */
export async function withKas<T>(
  checkout: LayerCheckout,
  script: string,
  work: () => Promise<T>,
): Promise<T> {
  const bin = join(checkout.path, "../bin");
  const engine = join(checkout.path, "../engine");
  mkdirSync(bin);
  mkdirSync(engine);
  cpSync(join(FIXTURES, "docker"), join(bin, "docker"));
  cpSync(join(FIXTURES, "kas-container"), join(checkout.path, "kas-container"));
  chmodSync(join(bin, "docker"), 0o755);
  writeFileSync(join(checkout.path, "build/container.sh"), script);
  const former = SET.map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, {
    PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`,
    STANDIN_ENGINE: engine,
    KAS_ALLOW_ROOT: "yes",
    KAS_CONTAINER_ENGINE: "docker",
  });
  try {
    return await work();
  } finally {
    for (const [name, value] of former) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}
