import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type LayoutName = "current" | "former";

const FIXTURES = join(import.meta.dirname, "../../fixtures/layers");

/** A copy of a small checkout that keeps every row, to be changed by a check. */
export class LayerCheckout implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, "meta-pantavisor");
  }

  static async of(layout: LayoutName): Promise<LayerCheckout> {
    const checkout = new LayerCheckout(await mkdtemp(join(tmpdir(), "pvh-layer-")));
    await cp(join(FIXTURES, layout), checkout.path, { recursive: true });
    return checkout;
  }

  /** Replace a text that is there; `all` removes the file. */
  change(file: string, from: string, to = ""): this {
    const path = join(this.path, file);
    if (from === "all") {
      rmSync(path);
      return this;
    }
    const text = readFileSync(path, "utf8");
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    writeFileSync(path, text.replace(from, to));
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}
