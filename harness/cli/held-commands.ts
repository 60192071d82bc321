import { clock } from "../clock/clock.ts";
import { PvhError } from "../errors.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Args, Call } from "./command.ts";
import { oneOf, positiveNumber, quirkList, setLimits, timeoutScale } from "./parse-value.ts";

/** The commands on held appengines: what their command lines mean. */
export async function up({ args, out, signal }: Call): Promise<ExitCode> {
  const name = args.word(0);
  // The names that the engine accepts (moby's RestrictedNamePattern).
  if (name !== undefined && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    throw new PvhError("PVH_USAGE", `'${name}' is not a valid name of a container`, {
      hint: "use a letter or digit, then at least one of A-Z a-z 0-9 _ . -",
    });
  }
  setLimits(args);
  clock.scale = timeoutScale(args);
  const { upCommand } = await import("./up.ts");
  const image = args.text("image");
  return upCommand(
    {
      ...nameOf(args),
      ...(image !== undefined && { image }),
      with: args.list("with"),
      boot: oneOf(args, "boot", ["auto", "manual"]) ?? "auto",
      quirks: quirkList(args),
      timeScale: positiveNumber(args, "timeScale") ?? 1,
      json: args.flag("json"),
      signal,
    },
    out,
  );
}

export async function down({ args, out, signal }: Call): Promise<ExitCode> {
  const all = args.flag("all");
  if (all && args.word(0) !== undefined) {
    throw new PvhError("PVH_USAGE", "give a held appengine or --all, not both", {
      hint: "pvh down --help",
    });
  }
  const { downCommand } = await import("./down.ts");
  return downCommand({ ...nameOf(args), all, force: args.flag("force"), signal }, out);
}

export async function ps({ args, out, signal }: Call): Promise<ExitCode> {
  const { psCommand } = await import("./ps.ts");
  return psCommand({ json: args.flag("json"), signal }, out);
}

export async function logs({ args, out, signal }: Call): Promise<ExitCode> {
  const { logsCommand } = await import("./logs.ts");
  const container = args.text("container");
  return logsCommand(
    {
      ...nameOf(args),
      ...(container !== undefined && { container }),
      follow: args.flag("follow"),
      json: args.flag("json"),
      signal,
    },
    out,
  );
}

export async function ctl({ args, out, signal }: Call): Promise<ExitCode> {
  const [method = "GET", path = "/"] = args.words;
  if (!/^[A-Za-z]+$/.test(method)) {
    throw new PvhError("PVH_USAGE", `'${method}' is not an HTTP method`, {
      hint: "pvh ctl --help",
    });
  }
  if (!/^[!-~]+$/.test(path)) {
    throw new PvhError("PVH_USAGE", `'${path}' is not a path of pv-ctrl`, {
      hint: "percent-encode characters that are not printable ASCII",
    });
  }
  const name = args.text("name");
  const data = args.text("data");
  const { ctlCommand } = await import("./ctl.ts");
  return ctlCommand(
    {
      method,
      path,
      ...(name !== undefined && { name }),
      ...(data !== undefined && { data }),
      signal,
    },
    out,
  );
}

export async function graph({ args, out, signal }: Call): Promise<ExitCode> {
  const { graphCommand } = await import("./graph.ts");
  const ctrl = args.text("ctrl");
  if (ctrl !== undefined && args.word(0) !== undefined) {
    throw new PvhError("PVH_USAGE", "give a held appengine or --ctrl, not both", {
      hint: "pvh graph --help",
    });
  }
  return graphCommand(
    { ...nameOf(args), ...(ctrl !== undefined && { ctrl }), json: args.flag("json"), signal },
    out,
  );
}

function nameOf(args: Args): { name?: string } {
  const name = args.word(0);
  return name === undefined ? {} : { name };
}
