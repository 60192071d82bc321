import type { Appengine, BootMode } from "../appengine/appengine.ts";
import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
import type { EngineFacts } from "../engine/engine.ts";
import type { BootStage } from "../../reports/events.ts";

export interface BootRequest {
  /** Name of the container, known before it is made. */
  readonly name: string;
  readonly image: string;
  /** Engine to boot on; undefined: the one that is found. */
  readonly engine: EngineFacts | undefined;
  readonly run: string;
  /** It may stay until `pvh down`; the run does not remove it. */
  readonly held: boolean;
  readonly exports: readonly string[];
  readonly boot: BootMode;
  readonly quirks: readonly string[];
  readonly timeScale: number;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly until: BootStage;
  /** Folder for the evidence of a boot that failed; undefined keeps none. */
  readonly evidence: string | undefined;
  /** Cuts short the keeping of that evidence. */
  readonly evidenceOver: AbortSignal;
  /** Told of the appengine before it boots. */
  readonly onAppengine: (appengine: Appengine) => void;
  readonly onStage: (stage: BootStage, ms: number, ok: boolean, detail?: string) => void;
}

/** Boots an appengine, or throws the reason with nothing left behind. */
export type Booter = (request: BootRequest) => Promise<StartedAppengineContainer>;

export const boot: Booter = async (request) => {
  // Loaded late: a scenario that is only listed or skipped needs no engine client.
  const { AppengineContainer } = await import("../appengine/appengine-container.ts");
  const container = new AppengineContainer(request.image);
  const { ownerLabels } = await import("../engine/labels.ts");
  const heldLabels = (): Record<string, string> => ownerLabels({ run: "", held: true });
  const { knownEngine } = await import("../engine/find-engine.ts");
  if (request.engine !== undefined) container.withEngine(knownEngine(request.engine));
  return await container
    .withName(request.name)
    .withExports(...request.exports)
    .withBoot(request.boot)
    .withQuirks(...request.quirks)
    .withTimeScale(request.timeScale)
    .withEnvironment(request.env)
    .withLabels(request.held ? heldLabels() : { "pvh.run": request.run })
    .start({
      signal: request.signal,
      onStage: request.onStage,
      onAppengine: request.onAppengine,
      until: request.until,
      evidenceOver: request.evidenceOver,
      ...(request.evidence !== undefined && { evidence: request.evidence }),
    });
};
