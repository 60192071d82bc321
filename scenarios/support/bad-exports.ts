import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import type { Header } from "tar-stream";

/** Exports that no appengine may deploy. Members that would escape are named so. */
export const ESCAPED = "pvh-escaped";

export interface BadExport {
  readonly name: string;
  readonly content: Buffer;
  /** Pattern of the reason that the appengine has to give. */
  readonly reason: RegExp;
}

type Member = Partial<Header> & Pick<Header, "name">;

const JSON_MEMBER = '{"#spec":"pantavisor-service-system@1"}';
const CONTENT = "content of an object";
const OBJECT = objectOf(CONTENT);

export async function badExports(): Promise<BadExport[]> {
  const honest = await tgz([{ name: "json" }, JSON_MEMBER], [{ name: OBJECT }, CONTENT]);
  const beside = (header: Member, content = "") =>
    tgz([{ name: "json" }, JSON_MEMBER], [header, content]);
  return [
    {
      name: "truncated",
      content: honest.subarray(0, honest.length - 12),
      reason: /unexpected end|truncated/i,
    },
    {
      name: "traversing",
      content: await beside({ name: `../../../${ESCAPED}` }, "x"),
      reason: /leaves the archive/,
    },
    {
      name: "absolute",
      content: await beside({ name: `/etc/${ESCAPED}` }, "x"),
      reason: /absolute path/,
    },
    {
      name: "linking",
      content: await beside({ name: OBJECT, type: "symlink", linkname: `/tmp/${ESCAPED}` }),
      reason: /is a symlink/,
    },
    {
      name: "oversized",
      content: await tgz([{ name: "json" }, Buffer.alloc(17 << 20, " ")]),
      reason: /larger than \d+ bytes/,
    },
    {
      name: "false",
      content: await beside({ name: objectOf("what it should be") }, "what it is"),
      reason: /has the content of/,
    },
    {
      name: "none",
      content: Buffer.from("this is no archive\n".repeat(60)),
      reason: /header|tar/i,
    },
  ].map((one) => ({ ...one, name: `${one.name}.pvrexport.tgz` }));
}

function objectOf(content: string): string {
  return `objects/${createHash("sha256").update(content).digest("hex")}`;
}

async function tgz(...members: (readonly [Member, string | Buffer])[]): Promise<Buffer> {
  const tar = pack();
  for (const [header, content] of members) tar.entry(header, content);
  tar.finalize();
  return gzipSync(await buffer(tar));
}
