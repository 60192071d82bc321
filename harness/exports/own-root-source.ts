import * as z from "zod";

/**
 * Source of a root file system that is a container's own, `rootfs` in its container.json: Debian packages,
 * a tarball (its path is relative to the container's folder), or an image on the engine.
 */
export const ownRootSource = z.union(
  [
    z.strictObject({ packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9+.-]*$/)).min(1) }),
    z.strictObject({ tarball: z.string() }),
    z.strictObject({ image: z.string() }),
  ],
  {
    error:
      'expected {"packages": […]}, {"tarball": "rootfs.tar.gz"} or {"image": "a name on the engine"}',
  },
);
export type OwnRoot = z.output<typeof ownRootSource>;
