import type { PantavisorView } from "../pantavisor-view.ts";
import type { Reply } from "../reply.ts";
import { accepted, closing, errorReply, jsonReply } from "../reply.ts";
import { NO_ROOM } from "../../../shared/no-room.ts";
import type { Route } from "../route.ts";

/** /objects: files named by their sha256 (docs/pantavisor.md §3.3). */
export function objectRoutes({ objects }: PantavisorView): Route[] {
  return [
    {
      path: "/objects",
      methods: {
        GET: {
          reply: () =>
            jsonReply(objects.list().map(({ sha256, size }) => ({ sha256, size: String(size) }))),
        },
      },
    },
    {
      path: "/objects/{sha256}",
      methods: {
        GET: {
          reply({ parameters }): Reply {
            const name = parameters["sha256"] ?? "";
            if (!isObjectName(name)) return badName;
            const body = objects.read(name);
            if (body === undefined) return errorReply(404, "Resource does not exist");
            return { status: 200, contentType: "application/octet-stream", body };
          },
        },
        PUT: {
          takes: "stream",
          async reply({ parameters, content, contentLength }) {
            const name = parameters["sha256"] ?? "";
            if (!isObjectName(name)) return badName;
            switch (await objects.put(name, contentLength, content())) {
              case "stored":
                return accepted;
              case "bad checksum":
                return errorReply(422, "Object has bad checksum");
              case "no room":
                return errorReply(507, NO_ROOM, closing);
            }
          },
        },
      },
    },
  ];
}

const badName = errorReply(400, "Request has bad object name", closing);

function isObjectName(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}
