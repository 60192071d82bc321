import { resolve } from "node:path";
import { currentProject } from "../project/project.ts";
import type { Args } from "./command.ts";

/** Arguments of a command, with what the project's configuration says where they say nothing. */
export async function withProject(args: Args): Promise<Args> {
  const project = await currentProject();
  if (project === undefined) return args;
  const { root, config } = project;
  const { target, timeouts, reporters, baseline } = config;
  const inProject = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(root, path);
  // A profile or a quirk is the reference's: who asks for one does not mean the configured image.
  const ofReference = args.has("profile") || args.has("quirk");
  return args.or({
    image: ofReference || target.image === undefined ? undefined : imageOf(root, target.image),
    profile: args.has("image") ? undefined : target.profile,
    broker: target.broker,
    boot: target.boot,
    timeoutScale: timeouts.scale?.toString(),
    deadline: timeouts.run?.toString(),
    junit: inProject(reporters.junit),
    progress: reporters.progress,
    timings: reporters.timings,
    baseline: inProject(baseline),
  });
}

/** A tarball is a file of the project; anything else is the name of an image. */
function imageOf(root: string, image: string): string {
  return /^\.{0,2}\/|\.(tar|tgz|tar\.gz)$/.test(image) ? resolve(root, image) : image;
}
