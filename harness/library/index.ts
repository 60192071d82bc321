/**
 * The package `pvh` as others import it: appengines as a Testcontainers module, scenarios, containers.
 *
 * @example
 * import { AppengineContainer, check, expect, scenario } from "pvh";
 */
import "../engine/lazy-libraries.ts";

export { AppengineContainer } from "../appengine/appengine-container.ts";
export type { StartOptions } from "../appengine/appengine-container.ts";
export { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
export type { Appengine, BootMode, BootOptions, ObservedCommand } from "../appengine/appengine.ts";
export type { AppengineShell } from "../appengine/appengine-shell.ts";
export type { OnStage } from "../appengine/boot-stages.ts";
export type { CommandOptions, CommandResult } from "../appengine/command-result.ts";
export type { Evidence } from "../appengine/evidence.ts";
export type { InsideContainer } from "../appengine/inside.ts";
export type { LogLine } from "../appengine/log-line.ts";
export type { PantavisorLog } from "../appengine/pantavisor-log.ts";
export { patientSeconds, python, pythonFile } from "../appengine/python.ts";
export type { PythonProgram, PythonValue } from "../appengine/python.ts";
export type {
  ContainerAction,
  ControlCall,
  ControlClient,
  ControlReply,
  ControlRequest,
  DaemonAction,
} from "../control/control-client.ts";
export type { RawExchange } from "../control/raw-exchange.ts";
export type { Engine } from "../engine/engine.ts";
export type { ExecStream, StreamOptions } from "../engine/streams.ts";
export type { LocalTerminal } from "../engine/terminal-exec.ts";
export { PvhError } from "../errors.ts";
export type { ErrorDetails } from "../errors.ts";
export type { ErrorClass, ErrorCode } from "../../reports/error-codes.ts";
export type { BootStage } from "../../reports/events.ts";
export type { Quote, Wait } from "../../reports/failure-details.ts";
export { defineContainer } from "../exports/container-definition.ts";
export type {
  ContainerDefinition,
  DefineOptions,
  Persistence,
} from "../exports/container-definition.ts";
export type { JsonObject, JsonValue } from "../exports/json-value.ts";
export type { GraphEntry } from "../../broker/shared/formats/graph.ts";
export { check, scenario } from "../run/scenario.ts";
export type {
  BootOverrides,
  CheckBody,
  CheckContext,
  CheckOptions,
  ScenarioOptions,
  ScenarioTools,
} from "../run/scenario-definition.ts";
export { until } from "../until.ts";
export type { UntilOptions } from "../until.ts";
export type { Expected, WatcherId } from "../watchers/watchers.ts";
export { Program } from "../../scenarios/support/program.ts";
export { defineConfig } from "../project/config.ts";
export type { UserConfig } from "../project/config.ts";
export { expect } from "vitest";
