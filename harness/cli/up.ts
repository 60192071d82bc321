import { existsSync } from "node:fs";
import { join } from "node:path";
import { AppengineContainer } from "../appengine/appengine-container.ts";
import { shownAddress } from "../engine/engine.ts";
import { entryPointOf } from "../engine/entry-point.ts";
import { dockerCommands } from "../appengine/docker-commands.ts";
import type { DockerCommands } from "../appengine/docker-commands.ts";
import { limitsConfig, limitsOf } from "../appengine/limits.ts";
import { clock } from "../clock/clock.ts";
import { ownerLabels } from "../engine/labels.ts";
import type { Engine } from "../engine/engine.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { privilegeProfile } from "../engine/privilege-profile.ts";
import { PvhError } from "../errors.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { causeLine } from "../../reports/block-lines.ts";
import { printableLine } from "../../reports/printable.ts";
import { bootSource } from "../exports/boot-source.ts";
import { writeDeviceExport } from "../exports/device-export.ts";
import { toFailure } from "../failure.ts";
import { diagnoseFailure } from "../run/diagnose-failure.ts";
import { ensureBrokerImage } from "../image/broker-image.ts";
import { resolveImage } from "../image/resolve-image.ts";
import type { Args, Call } from "./command.ts";
import { setLimits, timeoutScale } from "./parse-value.ts";
import { withProject } from "./project-args.ts";
import { upPlan } from "./up-plan.ts";

/** `pvh up`: boot an appengine and leave it running until `pvh down`. */
export async function upCommand({ args: given, out, signal }: Call): Promise<ExitCode> {
  const args = await withProject(given);
  const name = nameOf(args) ?? `pvh-${crypto.randomUUID().slice(0, 8)}`;
  setLimits(args);
  clock.scale = timeoutScale(args);
  const plan = await upPlan(args);
  const { quirks, timeScale, env } = plan;
  if (plan.note !== undefined) out.say(plan.note);
  const progress = (line: string): void => out.say(line);
  const options = { signal, progress };
  const engine = await findCleanEngine(options);
  const wantedImage = args.text("image");
  const { bootImage: own, reference } = await resolveImage(engine, wantedImage, options);
  const image = plan.broker === "native" ? own : await ensureBrokerImage(engine, own, options);
  const evidence = join(".pvh/up", name);
  const wanted = await bootSource(engine, { image, reference }, plan.containers, options);
  const device =
    plan.device === undefined ? [] : [await writeDeviceExport(evidence, plan.device, signal)];
  const source = { ...wanted, exports: [...wanted.exports, ...device] };
  if (args.flag("print")) {
    const environment = [
      ...(quirks.length === 0 ? [] : [`PVH_QUIRKS=${quirks.join(",")}`]),
      ...(timeScale === 1 ? [] : [`PVH_TIME_SCALE=${timeScale}`]),
      ...Object.entries(env).map(([key, value]) => `${key}=${value}`),
    ];
    const { exports, image: booted } = source;
    const wantedCommands = { name, image: booted, exports, environment };
    out.data(await commandsFor(engine, wantedCommands, plan.cmdline));
    return EXIT.pass;
  }
  const container = new AppengineContainer(source.image)
    .withEngine(engine)
    .withName(name)
    .withExports(...source.exports)
    .withBoot(plan.boot)
    .withQuirks(...quirks)
    .withTimeScale(timeScale)
    .withEnvironment(env)
    .withCmdline(plan.cmdline)
    .withLabels(ownerLabels({ run: "", held: true }));
  const started = await container
    .start({
      signal,
      evidence,
      until: plan.until,
      onStage: (stage, ms, ok, detail) =>
        out.say(
          `${ok ? "ok  " : "FAIL"} ${stage.padEnd(10)} ${ms.toFixed(0).padStart(6)} ms  ${printableLine(detail ?? "")}`,
        ),
      onWait: (stage, ms, late) => {
        const parts = late.length === 0 ? "" : `, not at its goal: ${late.join(", ")}`;
        out.say(
          `     ${stage.padEnd(10)} ${ms.toFixed(0).padStart(6)} ms  still waits${printableLine(parts)}`,
        );
      },
    })
    .catch((error: unknown) => {
      if (existsSync(evidence)) {
        const [cause] = diagnoseFailure(toFailure(error), evidence).diagnoses;
        if (cause !== undefined) out.say(causeLine(cause));
        out.say(`evidence: ${evidence}`);
      }
      throw error;
    });
  await started.appengine.close();
  const made = { name, id: started.getId(), host: shownAddress(engine) };
  out.data(args.flag("json") ? JSON.stringify(made) : name);
  out.say(`DOCKER_HOST=${made.host} docker exec -it ${name} sh   # look inside`);
  out.say(`pvh graph ${name}; pvh logs ${name}; pvh diagnose ${name}; pvh down ${name}`);
  return EXIT.pass;
}

/** Docker commands that boot the same appengine; the reference's own roots are in its image. */
async function commandsFor(
  engine: Engine,
  wanted: Omit<DockerCommands, "entrypoint" | "config">,
  cmdline: string,
): Promise<string> {
  const { Config } = await engine.docker.getImage(wanted.image).inspect();
  const entrypoint = [...entryPointOf(Config), ...(cmdline === "" ? [] : ["-c", cmdline])];
  const config = { ...privilegeProfile(engine), ...limitsConfig(limitsOf()) };
  return dockerCommands({ ...wanted, entrypoint, config });
}

/** @throws PvhError PVH_USAGE for a name that the engine refuses (moby's RestrictedNamePattern) */
function nameOf(args: Args): string | undefined {
  const name = args.word(0);
  if (name === undefined || /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return name;
  throw new PvhError("PVH_USAGE", `'${name}' is not a valid name of a container`, {
    hint: "use a letter or digit, then at least one of A-Z a-z 0-9 _ . -",
  });
}
