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
export type { Appengine, BootMode, BootOptions } from "../appengine/appengine.ts";
export type { CommandResult } from "../appengine/command-result.ts";
export type { InsideContainer } from "../appengine/inside.ts";
export { patientSeconds, python, pythonFile } from "../appengine/python.ts";
export type { ControlClient } from "../control/control-client.ts";
export { PvhError } from "../errors.ts";
export type { ErrorCode } from "../../reports/error-codes.ts";
export { defineContainer } from "../exports/container-definition.ts";
export type { ContainerDefinition, DefineOptions } from "../exports/container-definition.ts";
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
export { Program } from "../../scenarios/support/program.ts";
export { defineConfig } from "../project/config.ts";
export type { UserConfig } from "../project/config.ts";
export { expect } from "vitest";
