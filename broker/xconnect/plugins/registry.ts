import type { PluginType } from "../../shared/formats/services.ts";
import type { Plugin } from "./plugin.ts";

/** Functions that load each service type's plugin. */
export type PluginLoaders = Readonly<Record<string, () => Promise<Plugin>>>;

const LOADERS: PluginLoaders & Record<PluginType, unknown> = {
  unix: async () => (await import("./unix/unix.ts")).unixPlugin,
  rest: async () => (await import("./rest/rest.ts")).restPlugin,
  dbus: async () => (await import("./dbus/dbus.ts")).dbusPlugin,
  drm: async () => (await import("./drm/drm.ts")).drmPlugin,
  wayland: async () => (await import("./wayland/wayland.ts")).waylandPlugin,
  input: async () => (await import("./input/input.ts")).inputPlugin,
};

/** All plugins; each is loaded when its first link appears. */
export class PluginRegistry {
  readonly #loaders: PluginLoaders;
  readonly #loaded = new Map<string, Promise<Plugin>>();

  constructor(loaders: PluginLoaders = LOADERS) {
    this.#loaders = loaders;
  }

  has(type: string): boolean {
    return Object.hasOwn(this.#loaders, type);
  }

  /** Types whose plugin has been loaded or is being loaded. */
  get loaded(): string[] {
    return [...this.#loaded.keys()];
  }

  /** Load all plugins at once. */
  async loadAll(): Promise<void> {
    await Promise.all(Object.keys(this.#loaders).map((type) => this.load(type)));
  }

  /** @throws Error when there is no such plugin, or it cannot be loaded */
  load(type: string): Promise<Plugin> {
    const known = this.#loaded.get(type);
    if (known !== undefined) return known;
    const loader = this.has(type) ? this.#loaders[type] : undefined;
    if (loader === undefined) return Promise.reject(new Error(`no plugin for type ${type}`));
    const plugin = loader();
    this.#loaded.set(type, plugin);
    return plugin;
  }
}
