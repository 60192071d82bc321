import { existsSync } from "node:fs";
import type { RunSettings } from "./run-settings.ts";

/** Capabilities that a scenario may require; each gives the reason why it is missing. */
const CAPABILITIES = {
  /** The target is the reference appengine: quirks and time scale act. */
  reference: (settings: RunSettings) =>
    settings.reference ? undefined : `image ${settings.image} is not the reference appengine`,
  /** The host has a graphics card. */
  drm: () => (existsSync("/dev/dri/card0") ? undefined : "/dev/dri/card0 is not on this machine"),
} as const;

export type Capability = keyof typeof CAPABILITIES;

/** @returns why the scenario cannot run here, undefined when it can */
export function missingCapability(
  requires: readonly Capability[],
  settings: RunSettings,
): string | undefined {
  for (const capability of requires) {
    const why = CAPABILITIES[capability](settings);
    if (why !== undefined) return `needs ${capability}: ${why}`;
  }
  return undefined;
}
