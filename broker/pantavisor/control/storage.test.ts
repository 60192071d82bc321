import { createHash } from "node:crypto";
import { readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bodyOf, repliesIn, start, statusOf } from "./control-server.fixture.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe.each([
  ["/device-meta", "devmeta"],
  ["/user-meta", "usrmeta"],
])("%s", (path, folder) => {
  it("takes no more than 1,000 keys, so that all of them can be read at once", async () => {
    const { call, storage } = await start();
    for (let key = 0; key < 1000; key += 1) writeFileSync(join(storage, folder, `k${key}`), "");
    expect(statusOf(await call("PUT", `${path}/new`, "7"))).toBe(507);
    expect(statusOf(await call("PUT", `${path}/k7`, "7"))).toBe(200);
    expect(statusOf(await call("DELETE", `${path}/k8`))).toBe(200);
    expect(statusOf(await call("PUT", `${path}/new`, "7"))).toBe(200);
  });

  it("is a 507 on a full disk", async () => {
    const { call, storage } = await start();
    symlinkSync("/dev/full", join(storage, folder, ".incoming"));
    expect(statusOf(await call("PUT", `${path}/a`, "7"))).toBe(507);
    expect(bodyOf(await call("GET", path))).toBe("{}");
  });

  it("keeps text as text and embeds objects and arrays", async () => {
    const { call } = await start();
    expect(statusOf(await call("PUT", `${path}/a`, "7"))).toBe(200);
    expect(statusOf(await call("PUT", `${path}/b%20c`, '{"x":[1]}'))).toBe(200);
    expect(statusOf(await call("PUT", `${path}/d`, "{"))).toBe(200);
    expect(statusOf(await call("PUT", `${path}/a`, "8"))).toBe(200);
    expect(JSON.parse(bodyOf(await call("GET", path)))).toEqual({
      a: "8",
      "b c": { x: [1] },
      d: "{",
    });
  });

  it("keeps and gives back what is as deep as it can be", async () => {
    const { call } = await start();
    const deep = `${"[".repeat(2048)}${"]".repeat(2048)}`;
    expect(statusOf(await call("PUT", `${path}/a`, deep))).toBe(200);
    expect(bodyOf(await call("GET", path))).toBe(`{"a":${deep}}`);
  });

  it("forgets what is deleted; a second time there is nothing", async () => {
    const { call } = await start();
    await call("PUT", `${path}/a`, "7");
    expect(statusOf(await call("DELETE", `${path}/a`))).toBe(200);
    expect(bodyOf(await call("GET", path))).toBe("{}");
    expect(statusOf(await call("DELETE", `${path}/a`))).toBe(404);
  });

  it.each([
    ["a%2Fb", "7", 400],
    ["..%2F..%2Fx", "7", 400],
    ["..", "7", 400],
    [".incoming", "7", 400],
    ["a%00", "7", 400],
    ["x".repeat(201), "7", 400],
    ["a", "", 400],
    ["a", "x".repeat(4097), 413],
  ])("PUT of %s = %s is %i", async (key, value, status) => {
    const { call } = await start();
    expect(statusOf(await call("PUT", `${path}/${key}`, value))).toBe(status);
    expect(bodyOf(await call("GET", path))).toBe("{}");
  });

  it("meta-not-deleted keeps it", async () => {
    const { call } = await start("meta-not-deleted");
    await call("PUT", `${path}/a`, "7");
    expect(statusOf(await call("DELETE", `${path}/a`))).toBe(200);
    expect(bodyOf(await call("GET", path))).toBe('{"a":"7"}');
  });
});

describe("/objects", () => {
  const text = "an object\n";
  const path = `/objects/${sha256(text)}`;

  it("cuts a client off that stops in the middle, not one that waits for a slow disk", async () => {
    let socket: Socket | undefined;
    const timeouts: unknown[] = [];
    const { call } = await start("", {
      onConnection: (connected) => (socket = connected),
      view: () => ({
        objects: {
          list: () => [],
          read: () => undefined,
          async put(_sha256, _size, content) {
            for await (const chunk of content) timeouts.push([chunk.length, socket?.timeout]);
            timeouts.push(socket?.timeout);
            return "stored";
          },
        },
      }),
    });
    expect(statusOf(await call("PUT", path, text))).toBe(200);
    expect(timeouts).toEqual([[text.length, 10_000], 0]);
  });

  it("stores an object, lists it with its size as text, gives it back", async () => {
    const { call } = await start();
    expect(statusOf(await call("PUT", path, text))).toBe(200);
    expect(statusOf(await call("PUT", path, text))).toBe(200);
    expect(bodyOf(await call("GET", "/objects"))).toBe(
      `[{"sha256":"${sha256(text)}","size":"${text.length}"}]`,
    );
    const reply = await call("GET", path);
    expect(reply).toContain("Content-Type: application/octet-stream");
    expect(bodyOf(reply)).toBe(text);
  });

  it("two uploads of one object at a time both succeed", async () => {
    const { call } = await start();
    const replies = await Promise.all([call("PUT", path, text), call("PUT", path, text)]);
    expect(replies.map(statusOf)).toEqual([200, 200]);
  });

  it.each([
    [`/objects/${"a".repeat(64)}`, "PUT", "x", 422],
    [`/objects/${"a".repeat(64)}`, "GET", undefined, 404],
    ["/objects/abc", "PUT", "x", 400],
    ["/objects/..%2Fx", "GET", undefined, 400],
    [`/objects/${"A".repeat(64)}`, "GET", undefined, 400],
  ])("%s %s with %s is %i and stores nothing", async (target, method, body, status) => {
    const { call, storage } = await start();
    const reply = await call(method, target, body);
    expect(statusOf(reply)).toBe(status);
    expect(repliesIn(reply)).toBe(1);
    expect(readdirSync(join(storage, "objects"))).toEqual([]);
  });

  it("a size that cannot fit is refused before the body comes", async () => {
    const { send } = await start();
    const reply = await send(
      `PUT ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${2 ** 52}\r\n\r\n`,
    );
    expect(statusOf(reply)).toBe(507);
  });

  it("a client that goes away leaves nothing behind", async () => {
    const { send, call, storage } = await start();
    await send(`PUT ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf`, {
      silence: 50,
    });
    await expect.poll(() => readdirSync(join(storage, "objects")), { interval: 10 }).toEqual([]);
    expect(bodyOf(await call("GET", "/objects"))).toBe("[]");
  });

  it("object-unverified stores it under any name", async () => {
    const { call } = await start("object-unverified");
    expect(statusOf(await call("PUT", `/objects/${"a".repeat(64)}`, "x"))).toBe(200);
  });
});

describe("/steps", () => {
  const spec = '"#spec":"pantavisor-service-system@1"';
  const run = '"c/run.json":{"name":"c"}';

  it("a state becomes a step that is listed and read back", async () => {
    const { call } = await start();
    expect(statusOf(await call("PUT", "/steps/locals/a", `{${spec},${run}}`))).toBe(200);
    expect(statusOf(await call("PUT", "/steps/locals/a/commitmsg", "why"))).toBe(200);
    const progress = { status: "NEW", "status-msg": "", progress: 0, retries: 0 };
    expect(JSON.parse(bodyOf(await call("GET", "/steps")))).toEqual([
      {
        name: "locals/a",
        date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
        commitmsg: "why",
        progress,
      },
    ]);
    expect(bodyOf(await call("GET", "/steps/locals/a"))).toBe(`{${spec},${run}}`);
    expect(JSON.parse(bodyOf(await call("GET", "/steps/locals/a/progress")))).toEqual(progress);
  });

  it.each([
    ["locals/a", "{", 422, "Parser: "],
    ["locals/a", "[]", 422, "Parser: state"],
    ["locals/a", `{${spec},${run},${run}}`, 422, "Parser: c/run.json: comes twice, at position"],
    [
      "locals/a",
      `{${spec},"c/run.json":{"name":"c","name":"d"}}`,
      422,
      "Parser: c/run.json.name: ",
    ],
    ["locals/a", `{${run}}`, 422, "Parser: #spec"],
    ["locals/a", `{${spec},"c/run.json":{"name":7}}`, 422, "Parser: c/run.json: name"],
    ["locals/a", `{${spec},"../x":{}}`, 422, "Parser: ../x"],
    ["locals/a", `{${spec},"c/x":"${"a".repeat(64)}"}`, 422, "Storage: c/x: object aaa"],
    ["locals/a", `{${spec},"c/x.json":{"y":${"[".repeat(20000)}${"]".repeat(20000)}}}`, 422, ""],
    ["locals/a", `{${spec},"c/x\\n":"${"a".repeat(64)}"}`, 422, "Parser: c/x"],
    ["locals/a", `{${spec},"c/\\u007f.json":{}}`, 422, "is not a relative path"],
    ["locals/a", `{${spec},"c\\\\..\\\\x/run.json":{}}`, 422, "Parser: c"],
    ["locals/a", `{${spec},"c/x.json":{},"c/x.json/y.json":{}}`, 422, "c/x.json"],
    ["locals/a", `{${spec},"c/${"x".repeat(300)}.json":{}}`, 422, "is too long for a path"],
    ["locals/a", `{${spec},".pvr/json.json":{}}`, 422, ".pvr"],
    ["locals/a", `{${spec},"__proto__":"../../pv-ctrl"}`, 422, "Parser: __proto__"],
    ["locals/a", "x".repeat(4 * 1024 * 1024 + 1), 413, "larger than"],
    ["locals/a", "[".repeat(4 * 1024 * 1024), 422, "Parser: "],
    ["locals/a%2Fb", `{${spec}}`, 400, "bad name"],
    ["locals/a%00", `{${spec}}`, 400, "bad name"],
    ["locals/a%0Ab", `{${spec}}`, 400, "bad name"],
    ["locals/..", `{${spec}}`, 400, "bad name"],
    ["locals/a.incoming", `{${spec}}`, 400, "bad name"],
    [`locals/${"a".repeat(58)}`, `{${spec}}`, 400, "bad name"],
    ["locals/now", `{${spec}}`, 409, "is running"],
    ["0", `{${spec}}`, 405, ""],
  ])("PUT /steps/%s with %.100s is %i: %s", async (name, body, status, reason) => {
    const { call, storage } = await start();
    const reply = await call("PUT", `/steps/${name}`, body);
    expect(statusOf(reply)).toBe(status);
    expect(reply).toContain(reason);
    expect(bodyOf(await call("GET", "/steps"))).toBe("[]");
    const left = readdirSync(join(storage, "trails"), { recursive: true });
    expect(left.filter((one) => one !== "locals")).toEqual([]);
  });

  it("whose keys would be one file leaves the object behind the first as it is", async () => {
    const { call, storage } = await start();
    const object = sha256("content");
    await call("PUT", `/objects/${object}`, "content");
    const state = `{${spec},"c/\\ud800.json":"${object}","c/\\ud801.json":{"other":1}}`;
    const reply = await call("PUT", "/steps/locals/a", state);
    expect(statusOf(reply)).toBe(422);
    expect(reply).toContain("Parser: c/");
    expect(readFileSync(join(storage, "objects", object), "utf8")).toBe("content");
  });

  it.each(["/steps/9", "/steps/current", "/steps/locals/x", "/steps/9/progress", "/steps/.pv"])(
    "%s does not exist",
    async (target) => {
      const { call } = await start();
      expect(statusOf(await call("GET", target))).toBe(404);
    },
  );

  it("step-unvalidated stores what nobody has read", async () => {
    const { call } = await start("step-unvalidated");
    expect(statusOf(await call("PUT", "/steps/locals/a", '{"c/run.json":{"name":7}}'))).toBe(200);
  });
});

describe("/commands", () => {
  it.each([
    ["POWEROFF_DEVICE", "poweroff"],
    ["REBOOT_DEVICE", "reboot"],
  ])("%s ends in %s, and only once", async (op, outcome) => {
    const { call, end } = await start();
    expect(statusOf(await call("POST", "/commands", JSON.stringify({ op })))).toBe(200);
    expect(end).toHaveBeenCalledExactlyOnceWith(outcome);
    end.mockReturnValue(false);
    const again = await call("POST", "/commands", JSON.stringify({ op }));
    expect(statusOf(again)).toBe(503);
    expect(again).toContain("Retry-After: 600");
  });

  it.each([
    ["LOCAL_RUN", { reboot: false }],
    ["LOCAL_RUN_COMMIT", { reboot: true }],
  ])("%s runs an installed step", async (op, how) => {
    const { call, runStep } = await start();
    const command = JSON.stringify({ op, payload: "locals/a" });
    expect(statusOf(await call("POST", "/commands", command))).toBe(404);
    await call("PUT", "/steps/locals/a", '{"#spec":"pantavisor-service-system@1"}');
    expect(statusOf(await call("POST", "/commands", command))).toBe(200);
    expect(runStep).toHaveBeenCalledExactlyOnceWith("locals/a", how);
    runStep.mockResolvedValue({ status: 422, reason: "State JSON has bad format: c/run.json" });
    const refused = await call("POST", "/commands", command);
    expect(statusOf(refused)).toBe(422);
    expect(refused).toContain("c/run.json");
  });

  it("MAKE_FACTORY takes a step, or the current one", async () => {
    const { call, makeFactory } = await start();
    await call("PUT", "/steps/locals/a", '{"#spec":"pantavisor-service-system@1"}');
    const make = (payload: unknown) =>
      call("POST", "/commands", JSON.stringify({ op: "MAKE_FACTORY", payload }));
    expect(statusOf(await make("locals/a"))).toBe(200);
    expect(makeFactory).toHaveBeenCalledExactlyOnceWith("locals/a");
    expect(statusOf(await make("locals/nosuch"))).toBe(404);
    expect(statusOf(await make(7))).toBe(400);
  });

  it.each(["LOCAL_RUN", "LOCAL_RUN_COMMIT", "MAKE_FACTORY", "REBOOT_DEVICE", "POWEROFF_DEVICE"])(
    "%s has to wait for an update that is under way",
    async (op) => {
      const { call, isUpdating, runStep, end } = await start();
      isUpdating.mockReturnValue(true);
      const reply = await call("POST", "/commands", JSON.stringify({ op, payload: "locals/a" }));
      expect(statusOf(reply)).toBe(503);
      expect(reply).toContain("Retry-After: 600");
      expect(runStep).not.toHaveBeenCalled();
      expect(end).not.toHaveBeenCalled();
    },
  );

  it("ENABLE_SSH and DISABLE_SSH change the setting, and /config2 says by what", async () => {
    const { call } = await start();
    for (const [op, on] of [["ENABLE_SSH", true] as const, ["DISABLE_SSH", false] as const]) {
      expect(statusOf(await call("POST", "/commands", JSON.stringify({ op })))).toBe(200);
      expect(JSON.parse(bodyOf(await call("GET", "/config")))).toMatchObject({ "debug.ssh": on });
    }
    expect(JSON.parse(bodyOf(await call("GET", "/config2")))).toContainEqual({
      key: "PV_DEBUG_SSH",
      value: "0",
      modified: "command",
    });
  });

  it.each([
    ["UPDATE_METADATA", 409],
    ["GO_REMOTE", 409],
    ["UNCLAIM", 204],
    ["DEFER_REBOOT", 409],
    ["TRY_ONCE", 400],
    ["constructor", 400],
  ])("%s is %i here", async (op, status) => {
    const { call } = await start();
    const command = JSON.stringify({ op, payload: "60" });
    expect(statusOf(await call("POST", "/commands", command))).toBe(status);
  });

  it.each(["{", "[]", "{}", '{"op":7}', '{"op":"NOPE"}', '{"op":"POWEROFF"}'])(
    "%s is a 400",
    async (body) => {
      const { call, end } = await start();
      expect(statusOf(await call("POST", "/commands", body))).toBe(400);
      expect(end).not.toHaveBeenCalled();
    },
  );

  it("RUN_GC and /storage/gc remove objects that no step uses", async () => {
    const { call } = await start();
    const [kept, lost] = ["kept", "lost!"];
    const state = `{"#spec":"pantavisor-service-system@1","c/x":"${sha256(kept)}"}`;
    await call("PUT", `/objects/${sha256(kept)}`, kept);
    await call("PUT", `/objects/${sha256(lost)}`, lost);
    expect(statusOf(await call("PUT", "/steps/locals/a", state))).toBe(200);
    expect(bodyOf(await call("POST", "/storage/gc"))).toBe('{"reclaimed":5}');
    expect(statusOf(await call("POST", "/commands", '{"op":"RUN_GC"}'))).toBe(200);
    expect(bodyOf(await call("GET", "/objects"))).toContain(sha256(kept));
  });
});

describe("/signal", () => {
  it.each([
    ['{"type":"ready"}', 403],
    ['{"type":"alive"}', 403],
    ['{"type":"unheard-of"}', 400],
    ["ready", 400],
  ])("%s from the appengine itself is %i", async (body, status) => {
    const { call } = await start();
    expect(statusOf(await call("POST", "/signal", body))).toBe(status);
  });
});
