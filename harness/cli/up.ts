import { AppengineContainer } from "../appengine/appengine-container.ts";
import type { BootMode } from "../appengine/appengine.ts";
import { ownerLabels } from "../engine/labels.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { ensureExports } from "../exports/examples.ts";
import { resolveImage } from "../image/resolve-image.ts";
import type { Output } from "./output.ts";

export interface UpOptions {
  readonly name?: string;
  /** Example names or paths of exports. */
  readonly with: readonly string[];
  readonly image?: string;
  readonly boot: BootMode;
  readonly quirks: readonly string[];
  readonly timeScale: number;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** Boot an appengine and leave it running until `pvh down`. */
export async function upCommand(options: UpOptions, out: Output): Promise<ExitCode> {
  const { signal } = options;
  const progress = (line: string): void => out.say(line);
  const engine = await findCleanEngine({ signal, progress });
  const image = await resolveImage(engine, options.image, { signal, progress });
  const exports = await ensureExports(engine, options.with, { signal, progress });
  const container = new AppengineContainer(image.ref)
    .withEngine(engine)
    .withExports(...exports)
    .withBoot(options.boot)
    .withQuirks(...options.quirks)
    .withTimeScale(options.timeScale)
    .withLabels(ownerLabels({ run: "", held: true }));
  if (options.name !== undefined) container.withName(options.name);
  const started = await container.start({
    signal,
    onStage: (stage, ms, ok, detail) =>
      out.say(
        `${ok ? "ok  " : "FAIL"} ${stage.padEnd(10)} ${ms.toFixed(0).padStart(6)} ms  ${detail ?? ""}`,
      ),
  });
  const { name } = started;
  await started.appengine.close();
  out.data(options.json ? JSON.stringify({ name, id: started.getId(), host: engine.host }) : name);
  out.say(`DOCKER_HOST=${engine.host} docker exec -it ${name} sh   # look inside`);
  out.say(`pvh graph ${name}; pvh logs ${name}; pvh down ${name}`);
  return EXIT.pass;
}
