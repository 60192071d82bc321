import type { FdType } from "../../../shared/formats/fd-types.ts";

const MEMORY: ReadonlySet<FdType> = new Set<FdType>(["memfd", "file"]);
const PIPE: ReadonlySet<FdType> = new Set<FdType>(["pipe"]);
const DMABUF: ReadonlySet<FdType> = new Set<FdType>(["dmabuf"]);
const DEVICE: ReadonlySet<FdType> = new Set<FdType>(["device"]);
const NOTHING: ReadonlySet<FdType> = new Set();

/**
 * Types of the fds that each message may carry. Sync files, which fences are, are no type that
 * passes a link.
 */
const RULES: Readonly<Record<string, ReadonlySet<FdType>>> = {
  "wl_shm.create_pool": MEMORY,
  "wl_keyboard.keymap": MEMORY,
  "wl_data_offer.receive": PIPE,
  "wl_data_source.send": PIPE,
  "zwp_primary_selection_offer_v1.receive": PIPE,
  "zwp_primary_selection_source_v1.send": PIPE,
  "zwp_linux_buffer_params_v1.add": DMABUF,
  "zwp_linux_dmabuf_feedback_v1.format_table": MEMORY,
  "zwp_linux_surface_synchronization_v1.set_acquire_fence": NOTHING,
  "zwp_linux_buffer_release_v1.fenced_release": NOTHING,
  "wp_drm_lease_device_v1.drm_fd": DEVICE,
  "wp_drm_lease_v1.lease_fd": DEVICE,
  "weston_debug_v1.subscribe": PIPE,
};

/** @param message `wl_shm.create_pool`; one without a rule carries nothing */
export function fdTypesOf(message: string): ReadonlySet<FdType> {
  return RULES[message] ?? NOTHING;
}
