import { Agent, createServer, request } from "node:http";
import { IDENTITY } from "../identity.ts";

/** Node's own HTTP server and client as a proxy: `http-proxy.main.ts LISTEN PROVIDER`. */
const [, , listen = "", provider = ""] = process.argv;
const agent = new Agent({ keepAlive: true });

createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (incoming, outgoing) => {
  const { method, url: path } = incoming;
  const headers = {
    ...incoming.headers,
    "x-pv-client": IDENTITY.client,
    "x-pv-role": IDENTITY.role,
  };
  const onward = request({ socketPath: provider, agent, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on("error", () => outgoing.destroy());
  incoming.pipe(onward);
}).listen({ path: listen, backlog: 4096 });
