import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { containersBody } from "../../shared/formats/control.ts";
import { containerPlan } from "../lifecycle/revision-simulation.fixture.ts";
import { ACTION, bodyOf, repliesIn, running, start, statusOf } from "./control-server.fixture.ts";

describe("containers", () => {
  it("are listed with the documented fields in their order", async () => {
    const { call } = await start();
    const reply = await call("GET", "/containers");
    expect(reply).toContain(
      '[{"name":"c","group":"app","status":"STARTED","status_goal":"STARTED",' +
        '"restart_policy":"container","roles":["mgmt"],"auto_recovery":{"policy":"always",' +
        '"max_retries":3,"current_retries":0,"stable_timeout":0,"is_stable":"false",' +
        '"backoff_policy":"600s","retry_delay":0,"backoff_factor":0,"reset_window":0},' +
        '"user_stopped":"false"},',
    );
    expect(reply).toContain("Content-Type: application/json");
  });

  it.each([
    ["", "volume 'x' is missing"],
    ["start-error-silent", undefined],
  ])("say as error why they could last not be started, with quirks '%s'", async (quirks, error) => {
    const state = { ...running, status: "RECOVERING", failure: "volume 'x' is missing" } as const;
    const view = () => ({
      containers: () => [{ plan: containerPlan("c"), state, roles: ["mgmt"] }],
    });
    const { call } = await start(quirks, { view });
    const [body] = containersBody.parse(JSON.parse(bodyOf(await call("GET", "/containers"))));
    expect(body?.error).toBe(error);
  });

  it("accept an action with an empty 200", async () => {
    const { call, request } = await start();
    const reply = await call("PUT", "/containers/c", ACTION);
    expect(statusOf(reply)).toBe(200);
    expect(reply).toContain("Content-Length: 0");
    expect(request).toHaveBeenCalledExactlyOnceWith("c", "stop");
  });

  it.each([
    ["/containers/nosuch", ACTION, 404, "Container not found"],
    ["/containers/s", "rubbish", 403, "restart_policy 'system'"],
    ["/containers/c", "{", 400, "Missing 'action' field"],
    ["/containers/c", '{"action":"explode"}', 400, "Invalid action"],
    ["/containers/c", "x".repeat(1025), 413, "larger than 1024"],
    ["/containers/c", undefined, 400, "no body"],
    ["/containers/c", "", 400, "no body"],
  ])("PUT %s with %j is %i", async (target, body, status, text) => {
    const { call, request } = await start();
    const reply = await call("PUT", target, body);
    expect(statusOf(reply)).toBe(status);
    expect(reply).toContain(text);
    expect(repliesIn(reply)).toBe(1);
    expect(request).not.toHaveBeenCalled();
  });
});

describe("a body that is too large", () => {
  it("gets its reply after its end: a client that still sends is not cut off", async () => {
    const { call, storage } = await start();
    const socket = connect(join(storage, "../pv-ctrl"));
    const size = 200_000;
    socket.write(
      `PUT /containers/c HTTP/1.1\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`,
    );
    await new Promise((resolve) => socket.write("x".repeat(size / 2), resolve));
    // By now the first half has been read as well.
    expect(statusOf(await call("GET", "/containers"))).toBe(200);
    socket.write("x".repeat(size / 2));
    const reply = await text(socket);
    expect(statusOf(reply)).toBe(413);
    expect(repliesIn(reply)).toBe(1);
  });

  it("is refused at once when it says that it is far too large", async () => {
    const { send } = await start();
    const reply = await send("PUT /containers/c HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n{");
    expect(statusOf(reply)).toBe(413);
  });
});

describe("a client that waits for 100 before its body", () => {
  const head = (target: string) =>
    `PUT ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n`;

  it.each([
    ["/objects/abc", 400],
    ["/nowhere", 404],
    ["/containers/c", 413],
  ])("is refused at %s without it, so that it need not send one", async (target, status) => {
    const { send } = await start();
    const reply = await send(head(target));
    expect([statusOf(reply), repliesIn(reply)]).toEqual([status, 1]);
    expect(reply).toContain("Connection: close");
  });

  it("gets it where the body is wanted", async () => {
    const { send } = await start();
    expect(await send(head(`/objects/${"a".repeat(64)}`), { silence: 200 })).toBe(
      "HTTP/1.1 100 Continue\r\n\r\n",
    );
  });
});

describe("daemons", () => {
  it("are started and stopped", async () => {
    const { call, daemon } = await start();
    expect(statusOf(await call("PUT", "/daemons/pv-xconnect", ACTION))).toBe(200);
    expect(daemon.stop).toHaveBeenCalledOnce();
  });

  it.each([
    ["/daemons/nosuch", ACTION, 404],
    ["/daemons/pv-xconnect", "{", 400],
    ["/daemons/pv-xconnect", '{"action":"restart"}', 400],
  ])("PUT %s with %s is %i", async (target, body, status) => {
    const { call } = await start();
    expect(statusOf(await call("PUT", target, body))).toBe(status);
  });
});

describe("paths and methods", () => {
  it.each([
    "/groups",
    "/daemons",
    "/xconnect-graph",
    "/buildinfo",
    "/config",
    "/device-meta",
    "/user-meta",
    "/objects",
    "/drivers",
    "/wakelocks",
    "/steps",
    "/config2",
  ])("GET %s is 200", async (target) => {
    const { call } = await start();
    expect(statusOf(await call("GET", target))).toBe(200);
  });

  it("an unknown path is a 404 with a JSON error that is escaped", async () => {
    const { call } = await start();
    const reply = await call("GET", '/no"such');
    expect(statusOf(reply)).toBe(404);
    expect(JSON.parse(reply.split("\r\n\r\n")[1] ?? "")).toEqual({
      Error: 'unknown endpoint: /no"such',
    });
  });

  it("a failure of our own is a 500 with a JSON error", async () => {
    const { call, graph } = await start();
    graph.mockImplementation(() => {
      throw new Error("no graph");
    });
    const reply = await call("GET", "/xconnect-graph");
    expect(statusOf(reply)).toBe(500);
    expect(reply).toContain('{"Error":"Internal Error"}');
  });

  it("a wrong method is a 405 with Allow", async () => {
    const { call } = await start();
    const reply = await call("DELETE", "/containers");
    expect(statusOf(reply)).toBe(405);
    expect(reply).toContain("Allow: GET");
  });
});

describe("Host", () => {
  it.each(["", "Host:\r\n", "Host: localhost:80\r\n"])("%j is answered", async (host) => {
    const { send } = await start();
    const reply = await send(`GET /daemons HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
    expect(statusOf(reply)).toBe(200);
  });

  it.each(["Host: evil\r\n", "Host: localhost\r\nHost: localhost\r\n"])(
    "%j is a 400 and a close",
    async (host) => {
      const { send } = await start();
      const reply = await send(`GET /daemons HTTP/1.1\r\n${host}\r\n`);
      expect(statusOf(reply)).toBe(400);
      expect(reply).toContain('{"Error":');
      expect(reply).toContain("Connection: close");
    },
  );
});

describe("the wire", () => {
  it("serves HTTP/1.0, also half-closed", async () => {
    const { send } = await start();
    const reply = await send("GET /daemons HTTP/1.0\r\n\r\n", { end: true });
    expect(statusOf(reply)).toBe(200);
    expect(reply).toContain("pv-xconnect");
  });

  it("serves pipelined requests in order", async () => {
    const { send } = await start();
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    const text = await send(get("/daemons") + get("/drivers"), { end: true });
    expect(repliesIn(text)).toBe(2);
    expect(text.indexOf("pv-xconnect")).toBeLessThan(text.indexOf("{}"));
  });

  it("serves a chunked body", async () => {
    const { send, request } = await start();
    const head = "PUT /containers/c HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    const body = `Transfer-Encoding: chunked\r\n\r\n11\r\n${ACTION}\r\n0\r\n\r\n`;
    expect(statusOf(await send(head + body))).toBe(200);
    expect(request).toHaveBeenCalledOnce();
  });

  it.each([
    ["a target of 64 KiB", `GET /${"a".repeat(65536)} HTTP/1.1\r\n\r\n`, 431],
    ["a header of 64 KiB", `GET / HTTP/1.1\r\nHost: ${"a".repeat(65536)}\r\n\r\n`, 431],
    ["garbage", "\0\x01garbage\r\n\r\n", 400],
    ["an expectation", "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n", 417],
    ["CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405],
  ])("answers %s once, with JSON, and survives", async (_, bytes, status) => {
    const { send, call } = await start();
    const reply = await send(bytes);
    expect(statusOf(reply)).toBe(status);
    expect(reply).toContain('{"Error":');
    expect(repliesIn(reply)).toBe(1);
    expect(statusOf(await call("GET", "/daemons"))).toBe(200);
  });
});

describe("quirks", () => {
  it.each([
    ["path-400", "GET", "/nosuch", undefined, 400],
    ["method-400", "DELETE", "/containers", undefined, 400],
    ["unknown-200", "PUT", "/containers/nosuch", ACTION, 200],
    ["system-controllable", "PUT", "/containers/s", ACTION, 200],
    ["bad-json-accepted", "PUT", "/containers/c", "{", 200],
    ["double-reply", "PUT", "/containers/c", "x".repeat(2000), 507],
    ["signal-from-anyone", "POST", "/signal", '{"type":"ready"}', 200],
    ["command-dropped", "POST", "/commands", '{"op":"NOPE"}', 200],
    ["daemon-bad-action-200", "PUT", "/daemons/pv-xconnect", "{", 200],
  ])("%s answers %s %s %s with %i", async (quirk, method, target, body, status) => {
    const { call } = await start(quirk);
    expect(statusOf(await call(method, target, body))).toBe(status);
  });

  it("no-body-hang says nothing", async () => {
    const { send } = await start("no-body-hang");
    const bytes = "PUT /containers/c HTTP/1.1\r\nHost: localhost\r\n\r\n";
    expect(await send(bytes, { silence: 100 })).toBe("");
  });

  it("half-close-cut leaves a client that ends its side without a reply", async () => {
    const { send, call } = await start("half-close-cut");
    expect(await send("GET /daemons HTTP/1.0\r\n\r\n", { end: true })).toBe("");
    expect(statusOf(await call("GET", "/daemons"))).toBe(200);
  });

  it.each([
    ["groups-missing", "/groups", "[]"],
    ["config-missing", "/config", "{}"],
  ])("%s empties %s", async (quirk, target, body) => {
    const { call } = await start(quirk);
    expect(bodyOf(await call("GET", target))).toBe(body);
  });

  it.each([
    ["host-header-hang", "GET /daemons HTTP/1.1\r\n\r\n"],
    ["host-foreign-stall", "GET /daemons HTTP/1.1\r\nHost: evil\r\n\r\n"],
  ])("%s hangs the server while such a request is open", async (quirk, bytes) => {
    const { send, call } = await start(quirk);
    expect(statusOf(await call("GET", "/daemons"))).toBe(200);
    const get = "GET /daemons HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const hanging = send(bytes, { silence: 300 });
    expect(await send(get, { silence: 150 })).toBe("");
    expect(await hanging).toBe("");
  });

  it("xconnect-holds-ctrl holds what comes behind a manual pv-xconnect", async () => {
    using broker = spawn("sh", ["-c", "read never", "pv-xconnect"]);
    await once(broker, "spawn");
    const caller = { kind: "host", pid: broker.pid ?? 0 } as const;
    const { call, send } = await start("xconnect-holds-ctrl", { caller });
    expect(statusOf(await call("GET", "/daemons"))).toBe(200);
    expect(statusOf(await call("GET", "/xconnect-graph"))).toBe(200);
    const get = "GET /daemons HTTP/1.1\r\nHost: localhost\r\n\r\n";
    expect(await send(get, { silence: 150 })).toBe("");
  });

  it("containers-field-missing leaves auto_recovery out", async () => {
    const { call } = await start("containers-field-missing");
    expect(await call("GET", "/containers")).not.toContain("auto_recovery");
  });
});

describe("Transfer-Encoding: identity beside a length, as the shipped pvcontrol sends", () => {
  const head = (coding: string): string =>
    `PUT /containers/c HTTP/1.1\r\nHost: localhost\r\n${coding}Content-Length: ${ACTION.length}\r\n\r\n`;
  const ask = async (quirks: string, coding: string, ...parts: string[]): Promise<string> => {
    const { storage } = await start(quirks);
    const socket = connect(join(storage, "../pv-ctrl"));
    for (const part of [head(coding), ...parts]) {
      await new Promise((resolve) => socket.write(part, resolve));
    }
    return text(socket);
  };
  const identity = "Transfer-Encoding: identity\r\n";

  it("is served by its length, and the connection closes", async () => {
    const next = "GET /daemons HTTP/1.1\r\n\r\n";
    for (const parts of [[ACTION], [ACTION.slice(0, 4), ACTION.slice(4)], [ACTION + next]]) {
      const reply = await ask("", identity, ...parts);
      expect(statusOf(reply)).toBe(200);
      expect(repliesIn(reply)).toBe(1);
      expect(reply).toContain("Connection: close");
    }
  });

  it("is served when its head comes in pieces, wherever they end", async () => {
    const { storage } = await start();
    const request = head(identity) + ACTION;
    for (let end = 1; end < request.length; end += 7) {
      const socket = connect(join(storage, "../pv-ctrl"));
      for (const part of [request.slice(0, end), request.slice(end)]) {
        await new Promise((resolve) => socket.write(part, resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect([end, statusOf(await text(socket))]).toEqual([end, 200]);
    }
  });

  it("is refused when its head never ends", async () => {
    const { storage } = await start();
    const socket = connect(join(storage, "../pv-ctrl"));
    socket.end(head(identity).slice(0, -2));
    expect(statusOf(await text(socket))).toBe(400);
  });

  it.each([
    ["another coding", "Transfer-Encoding: chunked\r\n"],
    ["two codings", "Transfer-Encoding: identity, chunked\r\n"],
    ["two fields", identity + identity],
    ["two lengths", `${identity}Content-Length: 3\r\n`],
    ["a folded one", "Transfer-Encoding: identity\r\n chunked\r\n"],
    ["a blank before the colon", "Transfer-Encoding : identity\r\n"],
  ])("is refused with %s", async (_what, coding) => {
    const reply = await ask("", coding, ACTION);
    expect(statusOf(reply)).toBe(400);
    expect(repliesIn(reply)).toBe(1);
  });

  it("is refused under its quirk", async () => {
    expect(statusOf(await ask("identity-refused", identity, ACTION))).toBe(400);
  });
});
