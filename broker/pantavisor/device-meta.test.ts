import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openMetaStore } from "./device-meta.ts";

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-meta-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("a key of a container is a file that it sees, until the key is deleted", () => {
  const store = openMetaStore(at("stored"), at("shared"));
  store.set("app.colour", "red");
  store.set("app.colour", "blue");
  store.set("app.a.b", "deep");
  store.set("plain", "x");
  expect(readdirSync(folder).sort()).toEqual(["shared.app", "stored"]);
  expect(readFileSync(at("shared.app/colour"), "utf8")).toBe("blue");
  expect(readdirSync(at("shared.app")).sort()).toEqual(["a.b", "colour"]);
  store.delete("app.colour");
  expect(readdirSync(at("shared.app"))).toEqual(["a.b"]);
});

it("a link that a container has put in the place of a file is replaced, not followed", () => {
  const store = openMetaStore(at("stored"), at("shared"));
  store.set("app.colour", "red");
  for (const name of ["colour", "colour.incoming", ".incoming"]) {
    rmSync(at("shared.app", name), { force: true });
    symlinkSync(at("victim"), at("shared.app", name));
  }
  store.set("app.colour", "blue");
  expect(readFileSync(at("shared.app/colour"), "utf8")).toBe("blue");
  expect(existsSync(at("victim"))).toBe(false);
});

it("is there again after a start", () => {
  openMetaStore(at("stored")).set("app.colour", "red");
  openMetaStore(at("stored"), at("shared"));
  expect(readFileSync(at("shared.app/colour"), "utf8")).toBe("red");
});

it.each(["app..", "app...", "..x", ".hidden"])("%s leads nowhere", (key) => {
  const store = openMetaStore(at("stored"), at("shared"));
  store.set(key, "x");
  expect(readdirSync(folder)).toEqual(["stored"]);
  expect(existsSync(at("x"))).toBe(false);
});
