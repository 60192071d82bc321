import { createHash } from "node:crypto";
import { TOOLS } from "../appengine/layout.ts";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { BROKER_LABEL, hasOwnTools } from "../engine/labels.ts";
import { shellQuote } from "../shell-quote.ts";
import { ensureDerivedImage } from "./derived-image.ts";
import { imageFacts } from "./image-facts.ts";
import { nodeLayer, programLayer } from "./reference-image.ts";
import { readInputs } from "./sources.ts";
import { throughLoader } from "./toolbox.ts";

const BROKER = "pv-xconnect";
/** Where the broker's files are, and where those of all programs are put for a moment. */
const HOME = "/usr/lib/pvh";
const STAGE = "/run/pvh-broker";

/**
 * An image whose pv-xconnect is the reference's, in its strict form. The image's own Pantavisor
 * starts it, respawns it and takes its lines: what controls the daemon controls this one.
 *
 * @param image name of an image with pvh's tools
 * @returns name of the image; made when the engine does not have it
 * @throws PvhError PVH_ENGINE where the image has no pv-xconnect to replace; PVH_BUILD,
 *         PVH_NO_SPACE, PVH_ABORTED
 */
export async function ensureBrokerImage(
  engine: Engine,
  image: string,
  options: FindOptions = {},
): Promise<string> {
  const { signal = new AbortController().signal, progress = () => undefined } = options;
  const inputs = await readInputs();
  const facts = await imageFacts(engine, image);
  const hasNode = facts !== undefined && hasOwnTools(facts.labels);
  const program = await programLayer(inputs, { signal, progress });
  const node = await nodeLayer(inputs, { signal, progress });
  const script = install(hasNode);
  const content = createHash("sha256")
    .update([facts?.id, script, node.digest, program.digest].join("\n"))
    .digest("hex");
  const ref = `${image}-broker-${content.slice(0, 8)}`;
  const dockerfile = [
    `FROM ${image}`,
    ...(hasNode ? [] : ["ADD node.tar /"]),
    `ADD program.tar ${STAGE}/`,
    `RUN ${JSON.stringify(["/bin/sh", "-c", script])}`,
  ];
  const files = new Map([
    ["program.tar", { file: program.path }],
    ...(hasNode ? [] : [["node.tar", { file: node.path }] as const]),
  ]);
  progress(`putting the reference's broker into ${image}`);
  await ensureDerivedImage(
    engine,
    { ref, label: BROKER_LABEL, content, dockerfile, files },
    options,
  );
  return ref;
}

/** Script that puts the broker where the image has its own; all other programs stay. */
function install(hasNode: boolean): string {
  const node = hasNode ? `${HOME}/node` : `${HOME}/start-node`;
  const startNode = `#!/bin/sh\nexec ${throughLoader(`${HOME}/node`)} "$@"\n`;
  // Quirks of the reference are for its Pantavisor: this broker has none. Another Pantavisor's graph has none of
  // the extensions.
  const start = `#!/bin/sh\nunset PVH_QUIRKS\nexport PVH_EXTENSIONS=state\nexec ${node} ${HOME}/${BROKER}.js "$@"\n`;
  return [
    `at=$(command -v ${BROKER}) || { echo "the image has no ${BROKER}"; exit 1; }`,
    `PATH=${TOOLS}/bin:$PATH`,
    `mkdir -p ${HOME}`,
    `cp -R ${STAGE}${HOME}/. ${HOME}/`,
    `cp ${STAGE}/usr/bin/${BROKER} ${HOME}/${BROKER}.js`,
    `rm -rf ${STAGE}`,
    `printf %s ${shellQuote(startNode)} >${HOME}/start-node`,
    `printf %s ${shellQuote(start)} >"$at.pvh"`,
    `chmod 755 ${HOME}/start-node "$at.pvh"`,
    `mv "$at.pvh" "$at"`,
  ].join(" && ");
}
