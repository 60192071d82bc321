import { subscribe } from "node:diagnostics_channel";
import { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { millisecondsSince } from "../debug.ts";
import type { DebugLog } from "../debug.ts";
import { messageOfThrown } from "../thrown.ts";

/** A call to the engine, for its debug line. */
export interface EngineCall {
  /** The call has a connection, which is its own. */
  goesOver(socket: Socket): void;
  /** The head of the answer has come, and the body unless it is a stream; or there is none. */
  end(error: unknown): void;
}

interface CallOptions {
  readonly method: string;
  readonly path: string;
  readonly hijack?: boolean;
}

/** Path with query, and status, as they were on the wire; docker-modem tells neither. */
const answers = new WeakMap<Socket, { readonly path: string; readonly status: number }>();
let isListening = false;

/** Writes a line for each call: method, path, status and milliseconds. */
export function callLog(log: DebugLog): { begin(options: CallOptions): EngineCall } {
  if (!isListening) subscribe("http.client.response.finish", noteAnswer);
  isListening = true;
  return {
    begin: ({ method, path, hijack }) => {
      const begun = performance.now();
      let connection: Socket | undefined;
      return {
        goesOver: (socket) => (connection = socket),
        end: (error) => {
          const answer = connection && answers.get(connection);
          const upgraded = hijack === true && error == null ? 101 : undefined;
          const outcome = answer?.status ?? upgraded ?? messageOfThrown(error);
          const asked = answer?.path ?? path.replace(/\?$/, "");
          log(`${method} ${asked} ${outcome}, ${millisecondsSince(begun)} ms`);
        },
      };
    },
  };
}

function noteAnswer(message: unknown): void {
  if (typeof message !== "object" || message === null) return;
  if (!("request" in message) || !("response" in message)) return;
  const { request, response } = message;
  if (!(request instanceof ClientRequest) || !(response instanceof IncomingMessage)) return;
  const { socket, path } = request;
  if (socket !== null) answers.set(socket, { path, status: response.statusCode ?? 0 });
}
