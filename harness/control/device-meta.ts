import * as z from "zod";

const deviceMeta = z.object({ "pantavisor.revision": z.string() });

/** @returns the revision that runs, as GET /device-meta tells it */
export function revisionOf(meta: unknown): string | undefined {
  const parsed = deviceMeta.safeParse(meta);
  return parsed.success ? parsed.data["pantavisor.revision"] : undefined;
}
