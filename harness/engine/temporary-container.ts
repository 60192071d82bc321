import type { Container, ContainerCreateOptions } from "dockerode";
import type { Engine } from "./engine.ts";
import { ownerLabels } from "./labels.ts";

/** Entry point of a container in which programs are run one by one. */
export const IDLE_ENTRY = ["sleep", "infinity"];

/**
 * Create a container, use it, and remove it with its volumes. It has no network unless its
 * HostConfig says otherwise, and this process's labels.
 *
 * @throws whatever the engine or `use` throws
 */
export async function withTemporaryContainer<T>(
  engine: Engine,
  options: ContainerCreateOptions,
  use: (container: Container) => Promise<T>,
): Promise<T> {
  const container = await engine.docker.createContainer({
    Labels: ownerLabels(),
    ...options,
    HostConfig: { NetworkMode: "none", ...options.HostConfig },
  });
  try {
    return await use(container);
  } finally {
    await container.remove({ force: true, v: true });
  }
}
