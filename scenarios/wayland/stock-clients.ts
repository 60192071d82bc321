/** Outcomes of stock clients, as clients.py tells them, by their commands. */
type Outcomes = Readonly<Record<string, string>>;

const drawing = (...commands: readonly string[]): Outcomes =>
  Object.fromEntries(commands.map((command) => [command, "draws"]));

/** Clients of weston, which has no seat without input devices. The last six lack a hidden global. */
export const WITHOUT_KEYBOARD: Outcomes = {
  ...drawing(
    "weston-calibrator",
    "weston-clickdot",
    "weston-cliptest",
    "weston-confine",
    "weston-dnd",
    "weston-eventdemo",
    "weston-flower",
    "weston-fullscreen",
    "weston-image /usr/share/weston/background.png",
    "weston-multi-resource",
    "weston-presentation-shm",
    "weston-resizor",
    "weston-scaler",
    "weston-simple-damage",
    "weston-simple-shm",
    "weston-simple-touch",
    "weston-smoke",
    "weston-stacking",
    "weston-terminal",
    "weston-transformed",
    "xkbcli-interactive-wayland",
  ),
  "wayland-info | grep -c ^interface": "exit 0: 8",
  "weston-info | grep -c ^interface": "exit 0: 8",
  "weston-content_protection": "exit 255: The content-protection object is NULL",
  "weston-editor": "exit 255: No text input manager global",
  "weston-screenshooter": "exit 255: display doesn't support screenshooter",
  "weston-simple-dmabuf-egl": "exit 1: No zwp_linux_dmabuf global",
  "weston-simple-dmabuf-v4l": "exit 1: No zwp_linux_dmabuf global",
  "weston-touch-calibrator":
    "exit 1: weston-touch-calibrator error: the Wayland server does not expose the calibration interface.",
};

/** A list that has what weston-editor lacks. */
export const MORE = [
  "wl_compositor",
  "wl_subcompositor",
  "wl_shm",
  "wl_output",
  "xdg_wm_base",
  "wl_data_device_manager",
  "zwp_text_input_manager_v1",
].map((name) => ({ interface: name }));
export const WITH_MORE: Outcomes = drawing("weston-editor");

/** Clients of sway, whose seat has a keyboard. */
export const WITH_KEYBOARD: Outcomes = {
  ...drawing("foot", "gtk3-widget-factory", "wev"),
  "sh -c 'wl-copy hello && wl-paste'": "exit 0: hello",
  "sh -c 'foot --server=/tmp/foot & until test -S /tmp/foot; do sleep 0.1; done; exec footclient -s /tmp/foot'":
    "draws",
};
