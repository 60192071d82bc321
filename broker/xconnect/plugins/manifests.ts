import type * as z from "zod";
import { fdList as fds } from "./allowed-fds.ts";
import { dbusRules } from "./dbus/rules.ts";
import { drmNodes } from "./drm/role-nodes.ts";
import { eventRules, inputForm, inputGrab } from "./input/options.ts";
import { restRules, restUpgrade } from "./rest/rules.ts";
import { identityKind, socketKind } from "./unix/options.ts";
import { globalList } from "./wayland/global-policy.ts";

/**
 * The keys beyond what Pantavisor documents (docs/manifest-extensions.md), by service type. A plugin
 * refuses a link with a wrong value; the linter finds it before anything runs.
 */
export type Schemas = Readonly<Record<string, z.ZodType>>;

/** Keys of an export in services.json. */
export const OF_EXPORT: Readonly<Record<string, Schemas>> = {
  unix: { identity: identityKind, socketType: socketKind, fds },
  rest: { rules: restRules, upgrade: restUpgrade },
  dbus: { rules: dbusRules, fds },
  drm: { nodes: drmNodes },
  wayland: { globals: globalList },
  input: { events: eventRules, grab: inputGrab },
};

/** Keys of a requirement in run.json. */
export const OF_REQUIREMENT: Readonly<Record<string, Schemas>> = {
  unix: { fds },
  rest: { rules: restRules },
  dbus: { rules: dbusRules, fds },
  input: { events: eventRules, form: inputForm },
};
