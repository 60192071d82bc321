import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import type { Engine } from "../engine.ts";

/** Answer of an engine: a status and a JSON body. A promise that never settles means silence. */
export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  /** JSON bodies sent instead of `body`, one a line, as the engine's streams have them. */
  readonly lines?: readonly unknown[];
}
export type Answers = (
  method: string,
  path: string,
  query: URLSearchParams,
) => Answer | Promise<Answer>;

/** An engine that answers as it is told, on a socket of this machine. */
export async function fakeEngine(
  answers: Answers,
): Promise<{ readonly engine: Engine; readonly host: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const path = join(folder, "s");
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://engine");
    const {
      status = 200,
      body,
      lines,
    } = await answers(request.method ?? "GET", url.pathname, url.searchParams);
    response.writeHead(status, { "Content-Type": "application/json" });
    const bodies = lines ?? (body === undefined ? [] : [body]);
    response.end(bodies.map((one) => JSON.stringify(one)).join("\n"));
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(path);
  await once(server, "listening");
  return {
    host: `unix://${path}`,
    engine: {
      docker: new Docker({ socketPath: path }),
      host: `unix://${path}`,
      origin: "DOCKER_HOST",
      version: "v",
      apiVersion: "1.41",
      sameMachine: false,
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}
