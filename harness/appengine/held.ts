import type { Engine } from "../engine/engine.ts";
import { engineError } from "../engine/engine-error.ts";
import { HELD_LABEL, RUN_LABEL } from "../engine/labels.ts";
import { listContainers } from "../engine/listed.ts";
import { isIn } from "../engine/reap-scope.ts";
import { PvhError } from "../errors.ts";
import { Appengine } from "./appengine.ts";

/** A container of ours, as the engine lists it. */
export interface OurContainer {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  /** `running`, `exited`, … */
  readonly state: string;
  /** State in words for people: "Up 3 minutes". */
  readonly status: string;
  readonly held: boolean;
  /** Run it belongs to; empty for a container that `pvh up` holds. */
  readonly run: string;
  /** True when its owner lives, or may live; then only force removes it. */
  readonly inUse: boolean;
}

/** All containers with our labels, those of other runs included. */
export async function ourContainers(engine: Engine): Promise<OurContainer[]> {
  const listed = await listContainers(engine.docker).catch((error: unknown) => {
    throw engineError(error, "looking for appengines");
  });
  return listed
    .map(({ id, name, image, state, status, labels }) => ({
      id,
      name,
      image,
      state,
      status,
      held: labels[HELD_LABEL] === "true",
      run: labels[RUN_LABEL] ?? "",
      inUse: !isIn({ kind: "unused" }, { labels }),
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * The appengine that a command means: the one named, or the only one that `pvh up` holds.
 * @throws PvhError PVH_USAGE naming the candidates
 */
export async function findHeld(engine: Engine, name: string | undefined): Promise<Appengine> {
  const all = await ourContainers(engine);
  const candidates =
    name === undefined ? all.filter(({ held }) => held) : all.filter((c) => c.name === name);
  const [found] = candidates;
  if (found !== undefined && candidates.length === 1)
    return new Appengine(engine.docker.getContainer(found.id), found.name);
  if (found !== undefined) {
    throw new PvhError("PVH_USAGE", `${candidates.length} appengines are held`, {
      hint: `name one: ${candidates.map((candidate) => candidate.name).join(", ")}`,
    });
  }
  const what = name === undefined ? "no appengine is held" : `no appengine is named '${name}'`;
  throw new PvhError("PVH_USAGE", what, { hint: "pvh up starts one, pvh ps lists them" });
}
