import { Duplex, PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { rawExchange } from "./raw-exchange.ts";

test("a server that sends without end is left, whatever is waited for", async () => {
  const endless = new Duplex({
    read() {
      this.push(Buffer.alloc(65_536, "y"));
    },
    write: (_chunk, _encoding, done) => done(),
  });
  await expect(
    rawExchange(endless, "GET / HTTP/1.0\r\n\r\n", { timeout: 20_000, enough: /never/ }),
  ).rejects.toMatchObject({ code: "PVH_TOO_MUCH" });
  expect(endless.destroyed).toBe(true);
});

test("what came is given, closed or cut off by the deadline", async () => {
  const echo = new PassThrough();
  const open = await rawExchange(echo, "said", { timeout: 50 });
  expect([open.bytes.toString(), open.closed]).toEqual(["said", false]);
  const ended = await rawExchange(new PassThrough(), "said", { timeout: 5_000, halfClose: true });
  expect([ended.bytes.toString(), ended.closed]).toEqual(["said", true]);
});
