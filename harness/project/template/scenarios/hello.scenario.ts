import { check, expect, patientSeconds, scenario, until } from "pvh";

/** The path in the client at which the server's socket appears. */
const SOCKET = "/run/pv/services/hello.sock";

scenario(
  "hello",
  {
    summary: "a client asks a server through their link",
    containers: ["hello-server", "hello-client"],
  },
  () => {
    check("hello.answer", "the server greets its client by name", async ({ inside }) => {
      const ask = `echo Ada | socat -t ${patientSeconds(5)} - UNIX-CONNECT:${SOCKET}`;
      expect(await inside("hello-client").text(ask)).toBe("hello Ada\n");
    });

    check(
      "hello.restart",
      "the client reaches the server again after a restart",
      async ({ inside, control, signal }) => {
        await control.restart("hello-server", signal);
        const ask = `echo Bob | socat -t ${patientSeconds(5)} - UNIX-CONNECT:${SOCKET}`;
        const answered = async (): Promise<string | undefined> => {
          const answer = await inside("hello-client").text(ask);
          return answer === "" ? undefined : answer;
        };
        const answer = await until("an answer", answered, { signal, timeout: 20_000 });
        expect(answer).toBe("hello Bob\n");
      },
    );
  },
);
