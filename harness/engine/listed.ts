import type Docker from "dockerode";
import * as z from "zod";
import { OWNER_LABEL } from "./labels.ts";

/**
 * Containers and volumes with our owner label, as the engine lists them. The lists vary: Docker
 * and Podman write null for an empty one, and a row may describe something that is just being
 * removed. A row without an id or a name is skipped.
 */
export interface ListedContainer {
  readonly id: string;
  /** Name without the slash; the id when the engine tells no name. */
  readonly name: string;
  readonly image: string;
  readonly state: string;
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Names of its volumes. */
  readonly volumes: readonly string[];
}

export interface ListedVolume {
  readonly name: string;
  /** Path on the engine's machine; empty when the engine does not say. */
  readonly mountpoint: string;
  readonly labels: Readonly<Record<string, string>>;
}

const text = z.string().catch("");
const labels = z
  .unknown()
  .optional()
  .transform((value): Record<string, string> => {
    if (typeof value !== "object" || value === null) return {};
    return Object.fromEntries(
      Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
    );
  });

const container = z.object({
  Id: z.string().min(1),
  Names: z.array(z.unknown()).catch([]),
  Image: text,
  State: text,
  Status: text,
  Labels: labels,
  Mounts: z.array(z.object({ Name: text }).catch({ Name: "" })).catch([]),
});

const volume = z.object({ Name: z.string().min(1), Mountpoint: text, Labels: labels });

const OURS = { filters: { label: [OWNER_LABEL] } };

export async function listContainers(docker: Docker): Promise<ListedContainer[]> {
  return readContainers(await docker.listContainers({ all: true, ...OURS }));
}

export async function listVolumes(docker: Docker): Promise<ListedVolume[]> {
  return readVolumes(await docker.listVolumes(OURS));
}

/** @param answer of `GET /containers/json` */
export function readContainers(answer: unknown): ListedContainer[] {
  return rowsOf(answer, container).map((row) => {
    const name = row.Names.find((one) => typeof one === "string" && one !== "");
    return {
      id: row.Id,
      name: typeof name === "string" ? name.replace(/^\//, "") : row.Id,
      image: row.Image,
      state: row.State,
      status: row.Status,
      labels: row.Labels,
      volumes: row.Mounts.map(({ Name }) => Name).filter((one) => one !== ""),
    };
  });
}

/** @param answer of `GET /volumes` */
export function readVolumes(answer: unknown): ListedVolume[] {
  const listed = z.object({ Volumes: z.unknown() }).safeParse(answer).data?.Volumes;
  return rowsOf(listed, volume).map(({ Name, Mountpoint, Labels }) => ({
    name: Name,
    mountpoint: Mountpoint,
    labels: Labels,
  }));
}

function rowsOf<T>(answer: unknown, row: z.ZodType<T>): T[] {
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((item: unknown) => row.safeParse(item).data ?? []);
}
