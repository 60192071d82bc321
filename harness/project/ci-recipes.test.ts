import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { CronJob, Job } from "kubernetes-models/batch/v1";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { ROOT } from "../root.ts";
import { workflowParser } from "./workflow-parser.fixture.ts";

const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await workflowParser();

const recipe = (name: string): string => readFileSync(join(ROOT, "docs/ci", name), "utf8");

describe("GitHub's own parser of workflows", () => {
  test("takes docs/ci/github.yml, and its expressions", async () => {
    const content = recipe("github.yml");
    const { context, value } = parseWorkflow(
      { name: "github.yml", content },
      new NoOperationTraceWriter(),
    );
    expect(context.errors.getErrors().map(({ message }) => message)).toEqual([]);
    if (value === undefined) throw new Error("nothing was parsed");
    const template = await convertWorkflowTemplate(context, value);
    expect(template.errors ?? []).toEqual([]);
    expect(template.jobs.map((job) => job.id.value)).toEqual(["plan", "scenarios", "report"]);
  });

  test("refuses a key that there is not", () => {
    const content = recipe("github.yml").replace("runs-on:", "runs-at:");
    const { context } = parseWorkflow(
      { name: "github.yml", content },
      new NoOperationTraceWriter(),
    );
    expect(context.errors.getErrors()[0]?.message).toMatch(/runs-at/);
  });

  test("pvh init writes the same file", () => {
    const template = "harness/project/template/.github/workflows/pvh.yml";
    expect(readFileSync(join(ROOT, template), "utf8")).toBe(recipe("github.yml"));
  });
});

describe("gitlab-ci-local, with GitLab's own schema,", () => {
  const list = async (text: string): Promise<string> => {
    const folder = mkdtempSync(join(tmpdir(), "pvh-gitlab-"));
    writeFileSync(join(folder, ".gitlab-ci.yml"), text);
    const program = join(ROOT, "node_modules/gitlab-ci-local/dist/index.js");
    const run = promisify(execFile);
    await run("git", ["init", "--quiet", "."], { cwd: folder });
    const { stdout } = await run(process.execPath, [program, "--list-csv"], { cwd: folder });
    return stdout;
  };

  test("takes docs/ci/gitlab-ci.yml: a job for each shard between plan and report", async () => {
    const rows = (await list(recipe("gitlab-ci.yml"))).trim().split("\n").slice(1);
    expect(rows.map((row) => row.split(";")[0])).toEqual([
      "plan",
      "scenarios: [1/3]",
      "scenarios: [2/3]",
      "scenarios: [3/3]",
      "report",
    ]);
  });

  test.each([
    ["reports:", "raports:", /'raports' property is not expected/],
    ["when: always", "when: sometimes", /'when' property must be one of/],
    ["needs: [plan]", "needs: [plans]", /needs: \[plans\]/],
  ])("refuses it with %s as %s", async (right, wrong, says) => {
    await expect(list(recipe("gitlab-ci.yml").replace(right, wrong))).rejects.toThrow(says);
  });
});

/** Documents of the Kubernetes recipe, each with its kind. */
const documents = (text: string): { readonly kind: string }[] =>
  parseAllDocuments(text).map((one) => one.toJS() as { readonly kind: string });

describe("the schema of Kubernetes' own interface", () => {
  /** The compiler's word on keys that there are not; values are what validate() looks at. */
  const wrongKeys = async (text: string): Promise<string> => {
    mkdirSync(join(ROOT, ".pvh"), { recursive: true });
    const folder = mkdtempSync(join(ROOT, ".pvh/kubernetes-"));
    try {
      const lines = documents(text).map(
        (one) => `(${JSON.stringify(one)}) satisfies I${one.kind};`,
      );
      const imports = 'import type { ICronJob, IJob } from "kubernetes-models/batch/v1";';
      writeFileSync(join(folder, "recipe.ts"), [imports, ...lines].join("\n"));
      const options = { extends: "../../tsconfig.json", include: ["."] };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options));
      const argv = [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", folder];
      return await promisify(execFile)(process.execPath, argv, { cwd: ROOT }).then(
        () => "",
        (error: unknown) => (error as { stdout: string }).stdout,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

  test("takes docs/ci/kubernetes.yaml: an Indexed Job that knows how many it is", async () => {
    expect(await wrongKeys(recipe("kubernetes.yaml"))).toBe("");
    const [first, second] = documents(recipe("kubernetes.yaml"));
    const job = new Job(first as ConstructorParameters<typeof Job>[0]);
    job.validate();
    new CronJob(second as ConstructorParameters<typeof CronJob>[0]).validate();
    expect(job.spec?.completionMode).toBe("Indexed");
    const environment = job.spec?.template.spec?.containers[0]?.env;
    expect(environment).toContainEqual({
      name: "JOB_COMPLETIONS",
      value: String(job.spec?.completions),
    });
  });

  test("refuses a key that there is not, and a value of another type", async () => {
    const text = recipe("kubernetes.yaml");
    expect(await wrongKeys(text.replace("backoffLimit:", "backofLimit:"))).toMatch(/backofLimit/);
    const [first] = documents(text.replace("completions: 3", "completions: three"));
    const job = new Job(first as ConstructorParameters<typeof Job>[0]);
    expect(() => job.validate()).toThrow(/completions must be integer/);
  });
});

test("docs/ci/Jenkinsfile has the blocks of a declarative pipeline, each of them closed", () => {
  const text = recipe("Jenkinsfile")
    .replaceAll(/\/\/.*$/gm, "")
    .replaceAll(/(['"]).*?\1/g, "''");
  const open: string[] = [];
  for (const [, word, brace] of text.matchAll(/(\w+)?(?:\([^)]*\))?\s*([{}])/g)) {
    if (brace === "{") open.push(word ?? "");
    else expect(open.pop()).toBeDefined();
  }
  expect(open).toEqual([]);
  for (const block of ["pipeline", "stages", "matrix", "axes", "steps", "post"]) {
    expect(text).toMatch(new RegExp(`\\b${block} \\{`));
  }
});

test.each(["github.yml", "gitlab-ci.yml", "Jenkinsfile", "kubernetes.yaml"])(
  "%s calls the same two commands",
  (name) => {
    const said = recipe(name).replaceAll(/[",[\] ]+/g, " ");
    expect(said).toMatch(/npx pvh run --shard (auto|\$\{\{ matrix\.shard \}\}\/3|\$SHARD\/3)/);
    expect(said).toMatch(/npx pvh merge /);
  },
);
