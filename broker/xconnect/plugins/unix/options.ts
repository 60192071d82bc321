import * as z from "zod";
import { firstProblem } from "../../../shared/formats/first-problem.ts";
import type { FdType } from "../../../shared/formats/fd-types.ts";
import type { GraphEntry } from "../../../shared/formats/graph.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { fdList } from "../allowed-fds.ts";
import { oncePerLink } from "../once-per-link.ts";
import { LinkRefused } from "../plugin.ts";

export const identityKind = z.enum(["none", "greeting", "cmsg", "role-socket"]);
export const socketKind = z.enum(["stream", "seqpacket"]);

const schema = z.object({
  identity: identityKind.default("none"),
  socketType: socketKind.default("stream"),
  fds: fdList,
});

/** Options of a unix link, defaults filled in. */
export interface UnixOptions {
  readonly identity: z.infer<typeof schema>["identity"];
  readonly socketType: z.infer<typeof schema>["socketType"];
  readonly fds: ReadonlySet<FdType>;
}

/** @throws LinkRefused naming the key that is wrong */
export function unixOptions(entry: GraphEntry): UnixOptions {
  const parsed = schema.safeParse(entry);
  if (parsed.success) return { ...parsed.data, fds: new Set(parsed.data.fds) };
  throw new LinkRefused(firstProblem(parsed.error));
}

/** The options of a link, read once. */
export const optionsOf = oncePerLink(({ entry }, quirks: Quirks): UnixOptions => {
  const options = unixOptions(entry);
  return quirks.has("unix-options-ignored", "unix")
    ? { ...options, identity: "none", socketType: "stream" }
    : options;
});
