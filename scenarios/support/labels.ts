import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { python } from "../../harness/appengine/python.ts";
import { Program } from "./program.ts";

/**
 * Serve unix sockets in a container until the program is disposed or the container ends: each
 * connection gets the socket's label and LF, then what it sends comes back. It makes the
 * directories, and listens when this returns.
 */
export async function serveLabels(
  container: InsideContainer,
  labels: Readonly<Record<string, string>>,
): Promise<Program> {
  const program = await Program.python(
    container,
    python`
      from probes import hold, labels
      labels.serve(${labels})
      print("listening")
      hold()
    `,
  );
  await program.line();
  return program;
}

/** The label that answers at each of these paths of a container; "none: …" where none does. */
export async function labelsAt(
  container: InsideContainer,
  paths: readonly string[],
): Promise<Record<string, string>> {
  const stdout = await container.python(
    python`
      from probes import labels, tell
      tell({path: labels.at(path) for path in ${paths}})
    `,
    { timeout: 4_000 * paths.length },
  );
  return JSON.parse(stdout) as Record<string, string>;
}
