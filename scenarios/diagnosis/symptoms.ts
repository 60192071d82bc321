import type { Appengine } from "../../harness/appengine/appengine.ts";
import { python } from "../../harness/appengine/python.ts";
import { expect } from "../../harness/facts/expect.ts";
import { until } from "../../harness/until.ts";
import { Program } from "../support/program.ts";
import { PROBE_SOCKET, PROBE_TARGET } from "../support/probes.ts";

/** Looks for one symptom of the documents' troubleshooting table; throws where it is there. */
export type Symptom = (appengine: Appengine, signal: AbortSignal) => Promise<void>;

/** Milliseconds in which a healthy appengine shows what a symptom is the lack of. */
const SOON = 4_000;

/** API calls hang: no reply to a request without Host. */
export const apiHangs: Symptom = async (appengine, signal) => {
  const request = "GET /containers HTTP/1.1\r\n\r\n";
  const options = { timeout: 2_000, enough: /\r\n\r\n/, signal };
  const { bytes } = await appengine.rawControl(request, options);
  const status = /^HTTP\/1\.\d (\d+)/.exec(bytes.toString("latin1"))?.[1];
  expect(status, "status of a request without Host").toBe("200");
};

/** Exports are ignored: their containers are not there. */
export const exportsIgnored: Symptom = async ({ control }, signal) => {
  const names = (await control.containers(signal)).map(({ name }) => name);
  expect(names, "containers of the appengine").toContain("probe-consumer");
};

/** "Socket not found" in the client. */
export const socketMissing: Symptom = async (appengine, signal) => {
  await until(
    `the socket ${PROBE_TARGET} in probe-consumer`,
    async () =>
      (await appengine.inside("probe-consumer").sh(`[ -S ${PROBE_TARGET} ]`)).exitCode === 0,
    { signal, timeout: SOON },
  );
};

/** No output from pv-xconnect. */
export const noOutput: Symptom = async ({ log }, signal) => {
  await until(
    "a line of pv-xconnect in pantavisor.log",
    async () => (await log.lines()).some(({ module }) => module.startsWith("pv-xconnect")),
    { signal, timeout: SOON },
  );
};

/** `interface: null` in the graph. */
export const interfaceNull: Symptom = async (appengine, signal) => {
  const links = (await appengine.graph(signal)).map(({ consumer, interface: one }) => [
    consumer,
    one,
  ]);
  expect(links, "interfaces of the links in the graph").not.toContainEqual([
    expect.any(String),
    null,
  ]);
};

/** `consumer_pid: 0` in the graph, while the consumer runs. */
export const pidZero: Symptom = async (appengine, signal) => {
  const link = (await appengine.graph(signal)).find(({ target }) => target === PROBE_TARGET);
  expect(link?.consumer_pid, "consumer_pid of a running consumer").toBeGreaterThan(0);
};

/** "Could not connect to provider socket". */
export const noConnection: Symptom = async (appengine, signal) => {
  await socketMissing(appengine, signal);
  await using provider = await Program.python(
    appengine.inside("probe-provider"),
    python`
      from probes import hold, unix
      server = unix.listen(${PROBE_SOCKET})
      print("listening")
      peer = unix.accept(server, 10)
      peer.sendall(b"hello")
      hold()
    `,
  );
  expect(await provider.line(), "first line of the provider").toBe("listening");
  const answer = await appengine.inside("probe-consumer").python(
    python`
      from probes import unix
      peer = unix.connect(${PROBE_TARGET}, 3)
      try: print(peer.recv(100).decode() or "EOF")
      except OSError as error: print(error)
    `,
  );
  expect(answer.trim(), "bytes of the provider at the consumer").toBe("hello");
};

/** "Broken pipe" at a provider that answers after the consumer's EOF. */
export const brokenPipe: Symptom = async (appengine, signal) => {
  await socketMissing(appengine, signal);
  await using provider = await Program.python(
    appengine.inside("probe-provider"),
    python`
      import time
      from probes import hold, tell, unix
      server = unix.listen(${PROBE_SOCKET})
      print("listening")
      peer = unix.accept(server, 10)
      peer.recv(100)
      hold()
      try:
          for _ in range(64): peer.sendall(b"x" * 16384); time.sleep(0.001)
          tell({"error": None})
      except OSError as error: tell({"error": str(error)})
    `,
  );
  expect(await provider.line(), "first line of the provider").toBe("listening");
  await using consumer = await Program.python(
    appengine.inside("probe-consumer"),
    python`
      import socket
      from probes import unix
      peer = unix.connect(${PROBE_TARGET}, 3)
      peer.sendall(b"question")
      peer.shutdown(socket.SHUT_WR)
      print("ended")
      while peer.recv(65536): pass
    `,
  );
  expect(await consumer.line(), "line of the consumer after its EOF").toBe("ended");
  provider.say("answer");
  expect(await provider.json(10_000), "error of the provider's answer").toEqual({ error: null });
};
