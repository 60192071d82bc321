import type { GuestService } from "../../shared/formats/wasm-guest.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { deadlineIn } from "../connection.ts";
import { GuestErrno } from "../guest-errno.ts";
import { Handles } from "../handles.ts";
import { giveAll, hostFunction, input, number, room, words } from "../host-function.ts";
import type { HostModule } from "../host-function.ts";
import { Services } from "../services.ts";
import { HttpClient } from "./client.ts";
import { fieldsOf, linesOf, methodOf, targetOf } from "./message-head.ts";
import type { Response } from "./response.ts";
import type { HttpServer, IncomingRequest } from "./server.ts";

export const HTTP_MODULE = "pantavisor_http";

/** Meaning of a handle: a response that is read, or a request that is answered. */
interface Exchange {
  /** Head as the guest reads it. */
  readonly head: Buffer;
  read(most: number): Buffer;
  /** The guest is done with it. */
  end(): void;
  readonly incoming?: IncomingRequest;
}

/**
 * Host module `pantavisor_http` (docs/wasm.md): requests to services that run.json requires, and
 * for providers those to services that services.json exports.
 * @param servers of the provided services, by name
 */
export function httpModule(
  requires: readonly GuestService[],
  servers: ReadonlyMap<string, HttpServer>,
  quirks: Quirks,
): HostModule {
  const services = new Services(requires, "rest");
  const client = new HttpClient(quirks);
  const handles = new Handles<Exchange>();
  return {
    request: hostFunction(
      [input, input, input, input, input, number, words(3)],
      (name, method, path, headers, body, timeout, out) => {
        const service = services.find(name);
        const fields = fieldsOf(headers);
        const request = { method: methodOf(method), target: targetOf(path), fields, body };
        handles.refuseWhenFull();
        const response = client.request(service, request, timeout);
        const exchange = responseExchange(client, service, response, timeout);
        out(handles.add(exchange), response.head.status, exchange.head.length);
      },
    ),
    accept: hostFunction([input, number, words(2)], (name, timeout, out) => {
      const server = servers.get(name.toString("utf8"));
      if (server === undefined) throw new GuestErrno("ENOENT");
      handles.refuseWhenFull();
      const exchange = requestExchange(server.accept(timeout));
      out(handles.add(exchange), exchange.head.length);
    }),
    respond: hostFunction([number, number, input, input], (handle, status, headers, body) => {
      const { incoming } = handles.get(handle);
      const fields = fieldsOf(headers);
      if (incoming === undefined || status < 200 || status > 599) throw new GuestErrno("EINVAL");
      handles.remove(handle);
      incoming.respond(status, fields, body);
    }),
    headers: hostFunction([number, room, words(1)], (handle, target, out) =>
      giveAll(handles.get(handle).head, target, out),
    ),
    read: hostFunction([number, room, words(1)], (handle, target, out) => {
      const exchange = handles.get(handle);
      if (target.capacity === 0) throw new GuestErrno("EINVAL");
      const bytes = exchange.read(target.capacity);
      target.fill(bytes);
      out(bytes.length);
    }),
    close: hostFunction([number], (handle) => handles.remove(handle).end()),
  };
}

/** @param timeout milliseconds for each part of the body too */
function responseExchange(
  client: HttpClient,
  service: GuestService,
  response: Response,
  timeout: number,
): Exchange {
  return {
    head: Buffer.from(linesOf(response.head.fields), "latin1"),
    read: (most) => response.body(most, deadlineIn(timeout)),
    end: () => client.release(service, response),
  };
}

function requestExchange(incoming: IncomingRequest): Exchange {
  const { method, target, fields } = incoming.head;
  return {
    head: Buffer.from(`${method} ${target}\n${linesOf(fields)}`, "latin1"),
    read: (most) => incoming.body(most),
    end: () => incoming.drop(),
    incoming,
  };
}
