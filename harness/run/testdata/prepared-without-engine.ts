import type { Engine } from "../../engine/engine.ts";
import type { Prepared } from "../prepare-run.ts";

/** What scenarios without an appengine need of a preparation. */
export const PREPARED_WITHOUT_ENGINE: Prepared = {
  engine: {
    docker: {
      listContainers: () => Promise.resolve([]),
      listVolumes: () => Promise.resolve({ Volumes: [] }),
    },
  } as unknown as Engine,
  image: "none",
  reference: true,
  exports: new Map(),
  failures: new Map(),
};
