import type { Checkout } from "./checkout.ts";

/** Where a checkout keeps its configurations: the folder moved when the CI was renewed. */
export interface Layout {
  /** Release configurations, `MACHINE-CODENAME.yaml`. */
  readonly release: string;
}

const LAYOUTS: readonly Layout[] = [
  { release: "kas/build-configs/release" },
  { release: ".github/configs/release" },
];

/** @returns the layout of a checkout, undefined where it has no release configuration */
export function layoutOf(checkout: Checkout): Layout | undefined {
  return LAYOUTS.find(({ release }) => checkout.under(release, ".yaml").length > 0);
}

export const RELEASE_FOLDERS = LAYOUTS.map(({ release }) => release).join(" or ");
