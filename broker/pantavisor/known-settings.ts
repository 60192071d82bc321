/** Layers of the configuration, each over those before it (docs/pantavisor.md §2.4). */
export const SETTING_LAYERS = [
  "default",
  "pv conf file",
  "ph conf file",
  "policy",
  "oem config",
  "pv cmdline",
  "ph cmdline",
  "env",
  "metadata",
  "command",
] as const;
export type SettingLayer = (typeof SETTING_LAYERS)[number];

/**
 * The settings that a real appengine lists (docs/pantavisor.md §2.4), in its order, with its
 * values for an appengine. The reference acts on few of them, and lists them all.
 */
export interface KnownSetting {
  /** `updater.goals.timeout`; undefined for those that /config does not list. */
  readonly alias: string | undefined;
  /** `PV_UPDATER_GOALS_TIMEOUT` */
  readonly key: string;
  readonly kind: SettingKind;
  /** As /config2 writes it; undefined when unset. */
  readonly value: string | undefined;
  /** Layers that may set it, besides the command line and the environment. */
  readonly layers: readonly SettingLayer[];
}

/** How a value is written, and what /config makes of it: enumerations are numbers there. */
export type SettingKind =
  "boolean" | "number" | "duration" | "text" | "outputs" | keyof typeof ENUMERATIONS;

/** Words of enumerations; the place of a word is its number in /config. */
export const ENUMERATIONS = {
  bootloader: ["uboot", "uboot-pvk", "grub", "rpiab", "uboot-ab"],
  init: ["embedded", "standalone", "appengine"],
  power: ["disabled", "locks", "managed"],
  secureboot: ["disabled", "audit", "lenient", "strict"],
  timer: ["relative", "absolute"],
  watchdog: ["disabled", "shutdown", "startup", "always"],
} as const;

type Row = readonly [
  alias: string,
  kind: SettingKind,
  value?: string | undefined,
  /** Letters: `o` an OEM's file, `r` user-meta and commands while it runs, `x` is not in /config. */
  flags?: string,
  key?: string,
];

const ROWS: readonly Row[] = [
  ["creds.host", "text", "api.pantahub.com", "o", "PH_CREDS_HOST"],
  ["creds.id", "text", undefined, "o", "PH_CREDS_ID"],
  ["creds.port", "number", "443", "o", "PH_CREDS_PORT"],
  ["creds.proxy.host", "text", undefined, "o", "PH_CREDS_PROXY_HOST"],
  ["creds.proxy.noproxyconnect", "number", "0", "o", "PH_CREDS_PROXY_NOPROXYCONNECT"],
  ["creds.proxy.port", "number", "3218", "o", "PH_CREDS_PROXY_PORT"],
  ["creds.prn", "text", undefined, "o", "PH_CREDS_PRN"],
  ["creds.secret", "text", undefined, "o", "PH_CREDS_SECRET"],
  ["creds.type", "text", "builtin", "o", "PH_CREDS_TYPE"],
  ["factory.autotok", "text", undefined, "o", "PH_FACTORY_AUTOTOK"],
  ["libevent.http.timeout", "number", "60", "orx", "PH_LIBEVENT_HTTP_TIMEOUT"],
  ["libevent.http.retries", "number", "1", "orx", "PH_LIBEVENT_HTTP_RETRIES"],
  ["metadata.devmeta.interval", "number", "10", "or", "PH_METADATA_DEVMETA_INTERVAL"],
  ["metadata.usrmeta.interval", "number", "5", "or", "PH_METADATA_USRMETA_INTERVAL"],
  ["online.request.threshold", "number", "0", "orx", "PH_ONLINE_REQUEST_THRESHOLD"],
  ["updater.interval", "number", "5", "or", "PH_UPDATER_INTERVAL"],
  ["updater.network_timeout", "number", "120", "or", "PH_UPDATER_NETWORK_TIMEOUT"],
  ["updater.transfer.max_count", "number", "5", "orx", "PH_UPDATER_TRANSFER_MAX_COUNT"],
  ["bootloader.fitconfig", "text"],
  ["bootloader.mtd_env", "text"],
  ["bootloader.mtd_only", "boolean", "0"],
  ["bootloader.type", "bootloader", "uboot"],
  ["bootloader.ubootab.a_name", "text", "fitA", "x"],
  ["bootloader.ubootab.b_name", "text", "fitB", "x"],
  ["bootloader.ubootab.env_name", "text", undefined, "x"],
  ["bootloader.ubootab.env_bak_name", "text", undefined, "x"],
  ["bootloader.ubootab.env_offset", "number", "0", "x"],
  ["bootloader.ubootab.env_size", "number", "0", "x"],
  ["cache.devmetadir", "text", "/var/pantavisor/storage/cache/devmeta"],
  ["cache.usrmetadir", "text", "/var/pantavisor/storage/cache/usrmeta"],
  ["control.remote", "boolean", "0", "o"],
  ["control.remote.always", "boolean", "0", "o"],
  ["debug.shell", "boolean", "1"],
  ["debug.shell.autologin", "boolean", "0"],
  ["debug.shell.timeout", "number", "60", "x"],
  ["debug.ssh", "boolean", "1", "or"],
  ["debug.ssh_authorized_keys", "text", undefined, "or"],
  ["disk.exportsdir", "text", "/exports"],
  ["disk.voldir", "text", "/volumes"],
  ["disk.writabledir", "text", "/var/run/pv/writable"],
  ["dropbear.cache.dir", "text", "/var/pantavisor/storage/cache/dropbear"],
  ["libevent.debug_mode", "boolean", "0", "ox"],
  ["libthttp.certdir", "text", "/etc/thttp/certs", "", "PV_LIBTHTTP_CERTSDIR"],
  ["libthttp.log.level", "number", "3", "or"],
  ["log.auto_devlog", "boolean", "1", "ox"],
  ["log.capture", "boolean", "1", "o"],
  ["log.capture.dmesg", "boolean", "0", "o"],
  ["log.buf_nitems", "number", "128", "o"],
  ["log.dir", "text", "/var/pantavisor/storage/logs"],
  ["log.dir.maxsize", "text", "0", "orx"],
  ["log.filetree.timestamp.format", "text", undefined, "or"],
  ["log.hysteresis_factor", "number", "4", "orx"],
  ["log.level", "number", "4", "or"],
  ["log.loggers", "boolean", "1", "o"],
  ["log.push", "boolean", "1", "or"],
  ["log.rotate_factor", "number", "5", "orx"],
  ["log.server.outputs", "outputs", "132", "or"],
  ["log.singlefile.timestamp.format", "text", undefined, "or"],
  ["log.stdout.timestamp.format", "text", undefined, "or"],
  ["log.timestamp", "timer", "relative", "orx"],
  ["loop.index_base", "number", "-1", "x"],
  ["lxc.log.level", "number", "2", "o"],
  ["net.braddress4", "text", "10.0.3.1", "o"],
  ["net.brdev", "text", "lxcbr0", "o"],
  ["net.brmask4", "text", "255.255.255.0", "o"],
  ["oem.name", "text", undefined, "x"],
  ["policy", "text"],
  ["power.mode", "power", "locks", "or"],
  ["power.devmeta.eager_push", "boolean", "0", "or"],
  ["power.wake.interval", "duration", "3600", "or"],
  ["power.wake.run_window", "duration", "0", "or"],
  ["power.autosleep.settle", "duration", "90", "or"],
  ["power.wake.min_awake", "duration", "10", "or"],
  ["power.wake.max_awake", "duration", "60", "or"],
  ["power.devmeta.max_held", "duration", "300", "or"],
  ["power.sysfs_dir", "text", "/sys/power", "or"],
  ["revision.retries", "number", "10", "or"],
  ["secureboot.checksum", "boolean", "1"],
  ["secureboot.handlers", "boolean", "0"],
  ["secureboot.mode", "secureboot", "disabled"],
  ["PV_SECUREBOOT_OEM_TRUSTORE", "text", "ca-oem-certificates", "", "PV_SECUREBOOT_OEM_TRUSTSTORE"],
  ["secureboot.truststore", "text", "ca-certificates"],
  ["storage.device", "text"],
  ["storage.fstype", "text"],
  ["storage.gc.keep_factory", "boolean", "0", "or"],
  ["storage.gc.reserved", "number", "5", "or"],
  ["storage.gc.threshold.defertime", "number", "600", "or"],
  ["storage.gc.threshold", "number", "0", "or"],
  ["storage.logtempsize", "text"],
  ["storage.mntpoint", "text", "/var/pantavisor/storage"],
  ["storage.mnttype", "text"],
  ["storage.firmware_vol", "boolean", "0", "x"],
  ["storage.phconfig_vol", "boolean", "0", "x"],
  ["storage.wait", "number", "5"],
  ["system.apparmor.profiles", "text"],
  ["system.confdir", "text", "/run/pantavisor/configs"],
  ["system.drivers.load_early.auto", "boolean", "0"],
  ["system.etcdir", "text", "/etc"],
  ["system.etcpantavisordir", "text", "/etc/pantavisor", "x"],
  ["system.init.mode", "init", "appengine"],
  ["system.libdir", "text", "/usr/lib/pantavisor"],
  ["system.mediadir", "text", "/run/pantavisor/media"],
  ["system.mount.securityfs", "boolean", "0"],
  ["system.rundir", "text", "/run/pantavisor/pv"],
  ["system.disksdir", "text", "/run/pantavisor/disks"],
  ["system.usrdir", "text", "/usr"],
  ["updater.commit.delay", "number", "5", "or"],
  ["updater.goals.timeout", "number", "10", "o"],
  ["updater.use_tmp_objects", "boolean", "0", "or"],
  ["volmount.dm_extra_args", "text", undefined, "ox"],
  ["wdt.mode", "watchdog", "disabled"],
  ["wdt.timeout", "number", "15"],
  ["xconnect.dbus.systembus.enabled", "boolean", "1", "o"],
];

export const KNOWN_SETTINGS: readonly KnownSetting[] = ROWS.map(
  ([alias, kind, value, flags = "", key]) => {
    const full = key ?? `PV_${alias.toUpperCase().replaceAll(".", "_")}`;
    return {
      alias: flags.includes("x") ? undefined : alias,
      key: full,
      kind,
      value,
      layers: [
        full.startsWith("PH_") ? "ph conf file" : "pv conf file",
        "policy",
        ...(flags.includes("o") ? (["oem config"] as const) : []),
        full.startsWith("PH_") ? "ph cmdline" : "pv cmdline",
        "env",
        ...(flags.includes("r") ? (["metadata", "command"] as const) : []),
      ],
    };
  },
);
