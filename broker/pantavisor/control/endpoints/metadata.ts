import type { MetaStore, PantavisorView } from "../pantavisor-view.ts";
import { accepted, errorReply, jsonReply } from "../reply.ts";
import type { Route } from "../route.ts";

const BODY_LIMIT = 4096;
/** Limit of keys: each GET reads all of them; a real device has some dozens. */
const MOST_KEYS = 1000;

/**
 * /device-meta and /user-meta (docs/pantavisor.md §3.3): facts about the device and wishes of its
 * user.
 */
export function metadataRoutes(view: PantavisorView): Route[] {
  const routes = (kind: "Device" | "User", store: MetaStore): Route[] => {
    const path = `/${kind.toLowerCase()}-meta`;
    return [
      { path, methods: { GET: { reply: () => jsonReply(store.all()) } } },
      {
        path: `${path}/{key}`,
        methods: {
          PUT: {
            takes: BODY_LIMIT,
            reply({ parameters, body }) {
              const key = parameters["key"] ?? "";
              const what = `Cannot add or update ${kind.toLowerCase()} meta`;
              if (!isKey(key)) {
                if (view.quirks.has("meta-bad-key-200")) return accepted;
                return errorReply(400, `${what}: bad key ${JSON.stringify(key)}`);
              }
              if (!store.has(key) && store.size() >= MOST_KEYS) {
                return errorReply(507, `${what}: there are ${MOST_KEYS} keys already`);
              }
              store.set(key, body);
              return accepted;
            },
          },
          DELETE: {
            reply({ parameters }) {
              const key = parameters["key"] ?? "";
              const exists = isKey(key) && store.has(key);
              if (!exists) return errorReply(404, `${kind} meta does not exist`);
              if (!view.quirks.has("meta-not-deleted")) store.delete(key);
              return accepted;
            },
          },
        },
      },
    ];
  };
  return [...routes("Device", view.deviceMeta), ...routes("User", view.userMeta)];
}

/** A key is a file name in storage: no path, nothing hidden, not longer than a name may be. */
function isKey(key: string): boolean {
  return /^[^./\0-\x1f\x7f][^/\0-\x1f\x7f]*$/.test(key) && Buffer.byteLength(key) <= 200;
}
