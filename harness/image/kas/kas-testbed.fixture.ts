import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const FIXTURES = join(import.meta.dirname, "../../../fixtures");

/** A checkout with the stand-ins for kas-container and for docker's client, which PATH leads to. */
export class KasTestbed implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "pvh-kas-"));
  readonly checkout = join(this.folder, "meta-pantavisor");
  readonly engine = join(this.folder, "engine");
  readonly out = join(this.folder, "out");
  readonly said: string[] = [];
  readonly #former: Readonly<Record<string, string | undefined>>;

  constructor(layout: "current" | "former" = "current") {
    cpSync(join(FIXTURES, "layers", layout), this.checkout, { recursive: true });
    cpSync(join(FIXTURES, "kas/kas-container"), join(this.checkout, "kas-container"));
    const bin = join(this.folder, "bin");
    mkdirSync(bin);
    mkdirSync(this.engine);
    cpSync(join(FIXTURES, "kas/docker"), join(bin, "docker"));
    chmodSync(join(bin, "docker"), 0o755);
    const set = {
      PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`,
      STANDIN_ENGINE: this.engine,
      KAS_ALLOW_ROOT: "yes",
    };
    this.#former = Object.fromEntries(Object.keys(set).map((key) => [key, process.env[key]]));
    Object.assign(process.env, set);
  }

  /** The script that runs in place of kas's container. */
  container(script: string): this {
    mkdirSync(join(this.checkout, "build"), { recursive: true });
    writeFileSync(join(this.checkout, "build/container.sh"), script);
    return this;
  }

  /** Arguments of `docker run`. */
  get called(): string {
    return readFileSync(join(this.engine, "called"), "utf8");
  }

  /** Names of containers that are there. */
  get containers(): string[] {
    return readdirSync(this.engine).filter((name) => name.startsWith("pvh-kas-"));
  }

  get log(): string {
    const path = join(this.out, "build.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  [Symbol.dispose](): void {
    for (const [key, value] of Object.entries(this.#former)) {
      if (value === undefined) Reflect.deleteProperty(process.env, key);
      else process.env[key] = value;
    }
    rmSync(this.folder, { recursive: true });
  }
}
