import { existsSync } from "node:fs";
import type { CatalogueRow } from "../catalogue/catalogue.ts";
import { findWasmEdge, WASMEDGE } from "./find-wasmedge.ts";
import { lacksContainerType, lacksHostedBus, lacksServiceType } from "../image/image-abilities.ts";
import type { RunSettings } from "./run-settings.ts";

/** Capabilities that a scenario may require; each gives the reason why it is missing. */
const CAPABILITIES = {
  /** The target is the reference appengine: quirks and time scale act. */
  reference: (settings: RunSettings) =>
    settings.reference ? undefined : "the image is not the reference appengine",
  /** The image runs containers of type wasm. */
  wasm: ({ abilities }: RunSettings) => lacksContainerType(abilities, "wasm"),
  /** The image runs containers of type runc. */
  runc: ({ abilities }: RunSettings) => lacksContainerType(abilities, "runc"),
  /** The image's broker has the plugin input. */
  input: ({ abilities }: RunSettings) => lacksServiceType(abilities, "input"),
  /** The image's pantavisor can host a system bus. */
  "hosted-bus": ({ abilities }: RunSettings) => lacksHostedBus(abilities),
  /** The host has a graphics card. */
  drm: () => (existsSync("/dev/dri/card0") ? undefined : "/dev/dri/card0 is not on this machine"),
  /** The kernel can make input devices. */
  uinput: () =>
    existsSync("/sys/class/misc/uinput") ? undefined : "this machine's kernel has no uinput",
  /** WasmEdge's library is here, to be put into an appengine. */
  wasmedge: () => (findWasmEdge() === undefined ? `${WASMEDGE} is not on this machine` : undefined),
} as const;

export type Capability = keyof typeof CAPABILITIES;

/**
 * A wait that is sized for divided time says nothing of an image that does not divide it.
 * @returns why an appengine with this time scale cannot be booted, undefined when it can
 */
export function missingTimeScale(
  timeScale: number | undefined,
  settings: Pick<RunSettings, "reference" | "ownTime">,
): string | undefined {
  return timeScale === undefined || timeScale === 1 || settings.reference || settings.ownTime
    ? undefined
    : `needs time-scale: only the reference divides its waits by ${timeScale}`;
}

/** @returns why the check says nothing of the broker that was put into the image, undefined when it does */
export function missingJudgement(
  row: Pick<CatalogueRow, "judges"> | undefined,
  { broker }: Pick<RunSettings, "broker">,
): string | undefined {
  return broker === "reference" && row?.judges === "pantavisor"
    ? "judges the image's Pantavisor, not the broker"
    : undefined;
}

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
