import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it, vi } from "vitest";
import { ACTION, bodyOf, repliesIn, start, statusOf } from "./control-server.fixture.ts";

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

describe("requests of one connection", () => {
  it("wait for each other: replies that nobody reads do not pile up", async () => {
    const { call, graph, path } = await start();
    graph.mockImplementation(() => ["x".repeat(1024 * 1024)] as never);
    await using socket = connect(path);
    await new Promise<void>((resolve) => {
      socket.write(get("/xconnect-graph").repeat(500), () => resolve());
    });
    await vi.waitFor(() => expect(graph).toHaveBeenCalled());
    expect(statusOf(await call("GET", "/daemons"))).toBe(200);
    expect(graph.mock.calls.length).toBeLessThan(5);
  });

  it("are each answered before what is no request is refused", async () => {
    const { send } = await start();
    const reply = await send(`${get("/daemons")}${get("/drivers")}GARBAGE\0\r\n\r\n`);
    expect(repliesIn(reply)).toBe(3);
    expect([...reply.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
      "200",
      "200",
      "400",
    ]);
  });

  it("are not done when they come after the last that is answered", async () => {
    const { send, request } = await start();
    const head = "PUT /containers/c HTTP/1.1\r\nHost: localhost\r\n";
    const stop = `${head}Content-Length: ${ACTION.length}\r\n\r\n${ACTION}`;
    const reply = await send(`GET /daemons HTTP/1.1\r\nConnection: close\r\n\r\n${stop}`);
    expect(repliesIn(reply)).toBe(1);
    expect(request).not.toHaveBeenCalled();
  });
});

describe("a request whose body is malformed", () => {
  const head =
    "PUT /containers/c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";

  it("is refused in its turn", async () => {
    const { send } = await start();
    const reply = await send(`${get("/daemons")}${head}zz\r\n`);
    expect(repliesIn(reply)).toBe(2);
    expect(bodyOf(reply.slice(reply.lastIndexOf("HTTP/1.1")))).toContain("not HTTP");
  });

  it("gets no second reply when it has one already", async () => {
    const { path } = await start();
    const socket = connect(path);
    socket.write("POST /nowhere HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    socket.once("data", () => socket.write("zz\r\n"));
    const reply = await text(socket);
    expect([statusOf(reply), repliesIn(reply)]).toEqual([404, 1]);
  });
});
