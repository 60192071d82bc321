import type { IncomingMessage } from "node:http";

/**
 * The body of a request as text, when it is wanted and within the limit.
 * @param limit bytes; undefined: nobody wants a body, what there is is thrown away
 * @returns undefined when it is larger
 */
export async function readBody(
  request: IncomingMessage,
  limit: number | undefined,
): Promise<string | undefined> {
  if (limit === undefined) {
    request.resume();
    return "";
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > limit) return undefined;
  }
  return Buffer.concat(chunks).toString("utf8");
}
