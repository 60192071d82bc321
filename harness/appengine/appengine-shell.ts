import type { ControlClient } from "../control/control-client.ts";
import type { ExecStream, StreamOptions } from "../engine/streams.ts";
import type { CommandOptions, CommandResult } from "./command-result.ts";

/** An appengine as seen by what works in it: its shell and its pv-ctrl. */
export interface AppengineShell {
  readonly control: ControlClient;
  sh(script: string, options?: CommandOptions): Promise<CommandResult>;
  stream(argv: readonly string[], options?: StreamOptions): Promise<ExecStream>;
}
