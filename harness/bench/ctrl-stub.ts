import { once } from "node:events";
import { createServer } from "node:http";

/** A pv-ctrl that knows nothing but its graph. */
export async function serveGraph(
  path: string,
  graph: () => readonly unknown[],
): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/xconnect-graph" ? 200 : 404);
    response.end(JSON.stringify(graph()));
  });
  server.listen(path);
  await once(server, "listening");
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
