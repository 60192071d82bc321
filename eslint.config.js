import tseslint from "typescript-eslint";

const noDefault = {
  selector: "ExportDefaultDeclaration",
  message: "No default exports (house style).",
};
const SH = "AwaitExpression > CallExpression[callee.property.name='sh']";
const judged = "sh() leaves the exit status to be judged: use text(), or look at exitCode.";

export default tseslint.config(
  { ignores: ["node_modules", "dist", "dist-docs", ".pvh", "fixtures"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/consistent-type-imports": [
        "error",
        { fixStyle: "separate-type-imports" },
      ],
      // Numbers in messages are facts; spelling out String(n) everywhere hides them.
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", ignoreUsingDeclarations: true },
      ],
      "no-restricted-syntax": ["error", noDefault],
    },
  },
  {
    files: ["scenarios/**", "examples/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          paths: [
            {
              name: "vitest",
              importNames: ["expect", "assert"],
              message: "Take expect from harness/facts/expect.ts: it names the value.",
            },
            { name: "node:assert", message: "Take expect from harness/facts/expect.ts." },
            { name: "node:assert/strict", message: "Take expect from harness/facts/expect.ts." },
          ],
        },
      ],
      "no-restricted-syntax": [
        "error",
        noDefault,
        { selector: `ExpressionStatement > ${SH}`, message: judged },
        { selector: `MemberExpression[property.name='stdout'] > ${SH}`, message: judged },
        {
          selector: `VariableDeclarator:has(> ${SH}) > ObjectPattern:not(:has(Property[key.name='exitCode']))`,
          message: judged,
        },
        // A number here would be right on an idle machine only.
        {
          selector:
            "TemplateElement[value.raw=/settimeout\\(\\d|[( ,]timeout=[1-9]|\\b(timeout|-t|-w|-q|--max-time|-m) \\d+ /]",
          message: "A program's time-out goes through patient() or patientSeconds().",
        },
      ],
    },
  },
  {
    files: ["harness/**", "reports/**", "broker/shared/**"],
    ignores: ["**/*.test.ts", "harness/bench/**"],
    rules: {
      "no-restricted-globals": [
        "error",
        ...["DisposableStack", "AsyncDisposableStack"].map((name) => ({
          name,
          message: "The library runs on Node 22, which has none.",
        })),
      ],
    },
  },
  { files: ["**/*.test.ts"], rules: { "no-restricted-imports": "off" } },
  { files: ["**/*.config.*"], rules: { "no-restricted-syntax": "off" } },
  { files: ["**/*.js"], extends: [tseslint.configs.disableTypeChecked] },
);
