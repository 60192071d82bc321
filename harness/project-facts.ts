/** Facts about the project of a pvh.config.ts that the processes of its scenarios need, too. */
export interface ProjectFacts {
  /** Folder of the configuration; files are named relative to it. */
  readonly root: string;
  /** Folders of its containers, by name. */
  readonly containers: Readonly<Record<string, string>>;
  /** Paths of exports that each appengine of its scenarios gets. */
  readonly exports: readonly string[];
  /** Milliseconds that a check may take. */
  readonly checkTimeout?: number;
}

const VARIABLE = "PVH_PROJECT";

/** @returns undefined without a project of the user's */
export function projectFacts(): ProjectFacts | undefined {
  const text = process.env[VARIABLE] ?? "";
  if (text !== known.text) known = { text, facts: text === "" ? undefined : parse(text) };
  return known.facts;
}

/** Tell this process, and all that it starts from now on. */
export function setProjectFacts(facts: ProjectFacts | undefined): void {
  if (facts === undefined) Reflect.deleteProperty(process.env, VARIABLE);
  else process.env[VARIABLE] = JSON.stringify(facts);
}

let known: { readonly text: string; readonly facts: ProjectFacts | undefined } = {
  text: "",
  facts: undefined,
};

/** Only pvh itself writes it. */
function parse(text: string): ProjectFacts | undefined {
  try {
    return JSON.parse(text) as ProjectFacts;
  } catch {
    return undefined;
  }
}
