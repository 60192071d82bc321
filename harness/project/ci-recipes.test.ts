import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import * as z from "zod";
import { ROOT } from "../root.ts";
import { workflowParser } from "./workflow-parser.fixture.ts";

const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await workflowParser();

const recipe = (name: string): string => readFileSync(join(ROOT, "docs/ci", name), "utf8");

/** Names of an environment; GitLab and Kubernetes take texts alone. */
const variables = z.record(z.string(), z.string());

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
    expect(template.jobs.map((job) => job.id.value)).toEqual(["scenarios", "report"]);
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

/** Keywords of GitLab's "CI/CD YAML syntax reference" that the recipe uses. */
const cache = z.strictObject({
  key: z.union([z.string(), z.strictObject({ files: z.array(z.string()).min(1).max(2) })]),
  paths: z.array(z.string()),
});
const job = z.strictObject({
  stage: z.string(),
  parallel: z.int().min(1).max(200).optional(),
  services: z
    .array(z.strictObject({ name: z.string(), command: z.array(z.string()).optional() }))
    .optional(),
  variables: variables.optional(),
  cache: z.union([cache, z.array(cache).max(4)]).optional(),
  needs: z.array(z.string()).optional(),
  when: z.enum(["on_success", "on_failure", "always", "manual", "delayed", "never"]).optional(),
  script: z.array(z.string()).min(1),
  artifacts: z
    .strictObject({
      when: z.enum(["on_success", "on_failure", "always"]),
      paths: z.array(z.string()),
      reports: z.strictObject({ junit: z.string() }).optional(),
    })
    .optional(),
});
const gitlab = z
  .object({
    stages: z.array(z.string()),
    default: z.strictObject({ image: z.string(), before_script: z.array(z.string()) }),
    variables,
  })
  .catchall(job);

test("docs/ci/gitlab-ci.yml has GitLab's keywords, and stages and needs that are there", () => {
  const { stages, ...rest } = gitlab.parse(parse(recipe("gitlab-ci.yml")));
  const all = Object.entries(rest)
    .filter(([name]) => name !== "default" && name !== "variables")
    .map(([name, value]) => ({ name, ...job.parse(value) }));
  for (const { stage, needs = [] } of all) {
    expect(stages).toContain(stage);
    for (const need of needs) expect(all.map(({ name }) => name)).toContain(need);
  }
});

/** Parts of batch/v1 Job and CronJob that the recipe uses, from Kubernetes' API reference. */
const container = z.strictObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  workingDir: z.string().optional(),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })).optional(),
  restartPolicy: z.literal("Always").optional(),
  securityContext: z.strictObject({ privileged: z.boolean() }).optional(),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string() })).optional(),
});
const jobSpec = z.strictObject({
  completionMode: z.enum(["Indexed", "NonIndexed"]).optional(),
  completions: z.int().min(1).optional(),
  parallelism: z.int().min(0).optional(),
  backoffLimit: z.int().min(0),
  template: z.strictObject({
    spec: z.strictObject({
      restartPolicy: z.enum(["Never", "OnFailure"]),
      initContainers: z.array(container).optional(),
      containers: z.array(container.omit({ restartPolicy: true })).min(1),
      volumes: z.array(
        z.strictObject({
          name: z.string(),
          persistentVolumeClaim: z.strictObject({ claimName: z.string() }),
        }),
      ),
    }),
  }),
});
const metadata = z.strictObject({ name: z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/) });
const apiVersion = z.literal("batch/v1");
const kubernetes = z.discriminatedUnion("kind", [
  z.strictObject({ apiVersion, kind: z.literal("Job"), metadata, spec: jobSpec }),
  z.strictObject({
    apiVersion,
    kind: z.literal("CronJob"),
    metadata,
    spec: z.strictObject({
      schedule: z.string(),
      suspend: z.boolean(),
      jobTemplate: z.strictObject({ spec: jobSpec }),
    }),
  }),
]);

test("docs/ci/kubernetes.yaml holds an Indexed Job that knows how many it is", () => {
  const documents = parseAllDocuments(recipe("kubernetes.yaml")).map((one) =>
    kubernetes.parse(one.toJS()),
  );
  const [first, second] = documents;
  if (first?.kind !== "Job" || second?.kind !== "CronJob") throw new Error("two others");
  const { completionMode, completions, template } = first.spec;
  expect(completionMode).toBe("Indexed");
  const environment = template.spec.containers[0]?.env;
  expect(environment).toContainEqual({ name: "JOB_COMPLETIONS", value: String(completions) });
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
