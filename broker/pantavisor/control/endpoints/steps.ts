import type { PantavisorView } from "../pantavisor-view.ts";
import { accepted, errorReply, jsonReply } from "../reply.ts";
import type { Handler, Route } from "../route.ts";

/** A state of a thousand containers has half of this. */
const STATE_LIMIT = 4 * 1024 * 1024;
const MESSAGE_LIMIT = 256;

/** /steps: the revisions in storage (docs/pantavisor.md §3.3). `current` is the one that runs. */
export function stepRoutes({ steps }: PantavisorView): Route[] {
  const missing = errorReply(404, "Resource does not exist");
  const nameOf = ({ revision, local }: Readonly<Record<string, string>>): string =>
    local === undefined ? (revision ?? "") : `locals/${local}`;
  const get = (read: (name: string) => unknown): Handler => ({
    reply({ parameters }) {
      const found = read(nameOf(parameters));
      return found === undefined ? missing : jsonReply(found);
    },
  });
  const state = get((name) => steps.state(name));
  const progress = get((name) => steps.progress(name));
  const message: Handler = {
    takes: MESSAGE_LIMIT,
    reply: ({ parameters, body }) =>
      steps.setCommitMessage(nameOf(parameters), body) ? accepted : missing,
  };
  const install: Handler = {
    takes: STATE_LIMIT,
    reply({ parameters, body }) {
      const refused = steps.install(nameOf(parameters), body);
      return refused === undefined ? accepted : errorReply(refused.status, refused.reason);
    },
  };
  return [
    { path: "/steps", methods: { GET: { reply: () => jsonReply(steps.list()) } } },
    { path: "/steps/locals/{local}", methods: { GET: state, PUT: install } },
    { path: "/steps/locals/{local}/progress", methods: { GET: progress } },
    { path: "/steps/locals/{local}/commitmsg", methods: { PUT: message } },
    { path: "/steps/{revision}", methods: { GET: state } },
    { path: "/steps/{revision}/progress", methods: { GET: progress } },
    { path: "/steps/{revision}/commitmsg", methods: { PUT: message } },
  ];
}
