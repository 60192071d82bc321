import type { Engine } from "../../engine/engine.ts";
import type { Prepared } from "../prepare-run.ts";

/** Preparation that suffices for scenarios without an appengine. */
export const PREPARED_WITHOUT_ENGINE: Prepared = {
  engine: {
    docker: {
      listContainers: () => Promise.resolve([]),
      listVolumes: () => Promise.resolve({ Volumes: [] }),
    },
  } as unknown as Engine,
  others: [],
  image: "none",
  bootImage: "",
  broker: "native",
  reference: true,
  abilities: {},
  sources: new Map(),
  shared: new Map(),
  failures: new Map(),
  missing: new Map(),
};
