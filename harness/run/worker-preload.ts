/**
 * Loaded into the process of a scenario before anything else: tells the parent that its main
 * thread still yields. A thread that does not is seen from outside only.
 */
import "../lean-http.ts";
import "../lean-zod.ts";
import "../project/esm-typescript.ts";
import { ALIVE, ALIVE_EVERY } from "./sign-of-life.ts";

if (process.send !== undefined) {
  const send = process.send.bind(process);
  const tell = (): void => {
    // A parent that has gone hears nothing; vitest ends the process then.
    if (process.connected) send(ALIVE, undefined, undefined, () => undefined);
  };
  setInterval(tell, ALIVE_EVERY).unref();
}
