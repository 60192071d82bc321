import { registerHooks } from "node:module";

/**
 * TypeScript files of the project are ES modules, whatever its package.json says: `npm init` writes
 * `"type": "commonjs"`, by which Node would refuse their imports. Compiled packages stay what they are.
 */
registerHooks({
  load(url, context, next) {
    const isOwn = /^file:.*\.ts(\?|$)/.test(url) && !url.includes("/node_modules/");
    return next(url, isOwn ? { ...context, format: "module-typescript" } : context);
  },
});
