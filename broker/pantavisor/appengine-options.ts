import { parseArgs } from "node:util";

/** Command line of pv-appengine (docs/pantavisor.md §2.1). */
export interface AppengineOptions {
  readonly help: boolean;
  /** Appended to pantavisor's command line. */
  readonly cmdline: string;
  /** More environment for pantavisor. */
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds before a simulated reboot. */
  readonly delaySeconds: number;
}

export const USAGE = `usage: pv-appengine [-h] [-c CMDLINE] [-e "K=V K=V"] [-d SECONDS]
  -c CMDLINE  append to pantavisor's --cmdline
  -e ENVS     more environment for pantavisor, separated by blanks
  -d SECONDS  delay before a simulated reboot (default 5)
  -h          this text
`;

/** @throws Error for an unknown option or a wrong value */
export function parseOptions(args: readonly string[]): AppengineOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      cmdline: { type: "string", short: "c", default: "" },
      environment: { type: "string", short: "e", default: "" },
      delay: { type: "string", short: "d", default: "5" },
    },
  });
  const pairs = values.environment.split(/\s+/).filter((pair) => pair !== "");
  const environment = Object.fromEntries(
    pairs.map((pair) => {
      const [, key, value] = /^([A-Za-z_]\w*)=(.*)$/.exec(pair) ?? [];
      if (key === undefined || value === undefined) throw new Error(`-e: '${pair}' is not K=V`);
      return [key, value];
    }),
  );
  if (!/^\d+(\.\d+)?$/.test(values.delay)) throw new Error(`-d: '${values.delay}' is not a number`);
  return {
    help: values.help,
    cmdline: values.cmdline,
    environment,
    delaySeconds: Number(values.delay),
  };
}
