import { describe, expect, it } from "vitest";
import type { Plugin } from "./plugin.ts";
import { PluginRegistry } from "./registry.ts";

describe("PluginRegistry", () => {
  it("loads a plugin with its first link and once only", async () => {
    let loads = 0;
    const plugin: Plugin = { type: "toy", onLinkAdded: () => undefined };
    const registry = new PluginRegistry({
      toy: () => {
        loads += 1;
        return Promise.resolve(plugin);
      },
    });
    expect(registry.has("toy")).toBe(true);
    expect(loads).toBe(0);
    expect(await Promise.all([registry.load("toy"), registry.load("toy")])).toEqual([
      plugin,
      plugin,
    ]);
    expect(loads).toBe(1);
  });

  it("has no plugin for a type that is the name of an object property", async () => {
    const registry = new PluginRegistry();
    expect(registry.has("constructor")).toBe(false);
    await expect(registry.load("constructor")).rejects.toThrow("no plugin for type constructor");
  });

  it("has each built-in plugin under its own type", async () => {
    for (const type of ["unix", "rest", "dbus", "drm", "wayland", "input"]) {
      expect((await new PluginRegistry().load(type)).type).toBe(type);
    }
  });
});
