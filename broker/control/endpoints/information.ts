import type { EndpointContext } from "../pantavisor-view.ts";
import { errorReply, jsonReply, textReply } from "../reply.ts";
import type { Handler, Route } from "../route.ts";

/** What pantavisor says about itself and its storage (facts §3.3); nothing here changes it. */
export function informationRoutes({ view }: EndpointContext): Route[] {
  const get = (path: string, answer: Handler["answer"]): Route => ({
    path,
    methods: { GET: { answer } },
  });
  const step = (name: string | undefined) =>
    view.steps().find((one) => one.name === name || name === "current");
  const missing = errorReply(404, "Resource does not exist");
  return [
    get("/buildinfo", () => textReply(view.buildInfo())),
    get("/config", () => jsonReply(view.config())),
    get("/device-meta", () => jsonReply(view.deviceMeta())),
    get("/user-meta", () => jsonReply(view.userMeta())),
    get("/drivers", () => jsonReply({})),
    get("/objects", () =>
      jsonReply(view.objects().map(({ sha256, size }) => ({ sha256, size: String(size) }))),
    ),
    get("/steps", () =>
      jsonReply(
        view.steps().map(({ name, date, progress }) => ({ name, date, commitmsg: "", progress })),
      ),
    ),
    get("/steps/{revision}", ({ parameters }) => {
      const found = step(parameters["revision"]);
      return found === undefined ? missing : jsonReply(found.state);
    }),
    get("/steps/{revision}/progress", ({ parameters }) => {
      const found = step(parameters["revision"]);
      return found === undefined ? missing : jsonReply(found.progress);
    }),
  ];
}
