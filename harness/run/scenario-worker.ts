/**
 * Entry point of the process of a scenario: vitest's own worker for child processes, without what it
 * does for reloading. There, each imported module is told to vitest's main process, and the scenario's
 * file has a new URL in each run, which Node's compile cache never knows.
 */
import { registerHooks } from "node:module";
import { init, runBaseTests, setupEnvironment } from "vitest/worker";
import { loadAhead } from "./load-ahead.ts";

/** Kept before a scenario can put others in their place. */
const exit = process.exit.bind(process);
const on = process.on.bind(process);
const off = process.off.bind(process);
const removeAllListeners = process.removeAllListeners.bind(process);
const send = process.send?.bind(process) ?? exit;

type Setup = NonNullable<Parameters<typeof init>[0]["setup"]>;
type Context = Parameters<Setup>[0];

const setup: Setup = async (context) => {
  const tearDown = await setupEnvironment({ ...context, rpc: quiet(context.rpc) });
  registerHooks({
    resolve(specifier, within, next) {
      const resolved = next(specifier, within);
      return { ...resolved, url: resolved.url.replace(/\?vitest=\d+$/, "") };
    },
  });
  return tearDown;
};

function quiet(rpc: Context["rpc"]): Context["rpc"] {
  return new Proxy(rpc, {
    get: (target, name): unknown =>
      name === "ensureModuleGraphEntry" ? () => Promise.resolve() : Reflect.get(target, name),
  });
}

/** The main process has gone: nobody is there to hear of it. */
function onGone(error?: unknown): void {
  const code: unknown = error instanceof Error ? Reflect.get(error, "code") : "EPIPE";
  if (code === "EPIPE" || code === "ERR_IPC_CHANNEL_CLOSED") exit(1);
}

on("error", onGone);
on("disconnect", onGone);
init({
  post: (message) => send(message),
  on: (hear) => on("message", hear),
  off: (hear) => off("message", hear),
  teardown: () => {
    removeAllListeners("message");
    off("error", onGone);
    off("disconnect", onGone);
    process.exit = exit;
  },
  runTests: (state, traces) => runBaseTests("run", state, traces),
  collectTests: (state, traces) => runBaseTests("collect", state, traces),
  setup,
});
await loadAhead().catch(() => undefined);
