import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type * as Parser from "@actions/workflow-parser";
import { ROOT } from "../root.ts";

/** GitHub's parser, bundled: as published it imports its schema in a way that Node refuses. */
export async function workflowParser(): Promise<typeof Parser> {
  const outfile = join(mkdtempSync(join(tmpdir(), "pvh-workflow-")), "parser.cjs");
  await build({
    stdin: { contents: 'export * from "@actions/workflow-parser";', resolveDir: ROOT },
    outfile,
    bundle: true,
    format: "cjs",
    platform: "node",
    logLevel: "silent",
  });
  return (await import(pathToFileURL(outfile).href)) as typeof Parser;
}
