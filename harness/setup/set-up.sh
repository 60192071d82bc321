# Set-up of a clone, sourced by pvh, start, test and ok. POSIX sh; needs Node >= 20 and npm.
#
# npm runs no pre- and post-scripts under ignore-scripts, so every entry point calls
# this itself. It installs what is missing, says what and why on stderr, and is silent
# when nothing is missing. Set-ups that run at once wait for each other (flock: the lock
# goes with its process, so a killed set-up blocks nobody).
#
#   PVH_HOME            the clone; set by the caller
#   set_up_packages     node_modules exactly as package-lock.json says; sets PVH_NODE
#   find_node           of an installed package: sets PVH_NODE, installs nothing
#   set_up_engine       a Docker engine and mmdebstrap, where apt can bring them

say() { printf 'pvh set-up: %s\n' "$*" >&2; }
fail() { say "$1"; [ -z "${2:-}" ] || say "  -> $2"; exit 3; }

# Meant for another Node than the pinned one. Below a folder in which nothing can be made, such
# as /proc, a compile cache would keep Node busy for ever.
unset NODE_OPTIONS NODE_PATH NODE_COMPILE_CACHE
# A short command spends half its time compiling modules. The folder is cacheFolder("node") of
# harness/engine/folders.ts.
case "${XDG_CACHE_HOME:-}" in /*) compiled=$XDG_CACHE_HOME ;; *) compiled=${HOME:-}/.cache ;; esac
case "${PVH_CACHE:-}$compiled" in
  /*) [ -d "$compiled/pvh/node" ] || mkdir -p "$compiled/pvh/node" 2>/dev/null
    [ -w "$compiled/pvh/node" ] && export NODE_COMPILE_CACHE="$compiled/pvh/node" ;;
esac
if [ -n "${TMPDIR:-}" ] && { [ ! -d "$TMPDIR" ] || [ ! -w "$TMPDIR" ]; }; then
  say "TMPDIR=$TMPDIR is no folder that can be written to: /tmp is used"
  unset TMPDIR
fi

set_up_packages() {
  case "$PVH_HOME" in
    *\\*) fail "Node loads no modules below a path with a backslash: $PVH_HOME" "move the clone: mv" ;;
  esac
  # npm installs the one of this machine, and no command needs to ask for its name.
  for PVH_NODE in "$PVH_HOME"/node_modules/node-linux-*/bin/node; do
    packages_missing || return 0
  done
  case "$(uname -m)" in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) fail "no pinned Node for $(uname -m)" "pvh runs on x86_64 and aarch64 Linux" ;;
  esac
  PVH_NODE="$PVH_HOME/node_modules/node-linux-$arch/bin/node"
  command -v npm >/dev/null || fail "npm is missing" "install Node 20 or newer with npm"
  mkdir -p "$PVH_HOME/.pvh" 2>/dev/null && [ -w "$PVH_HOME/.pvh" ] && [ -w "$PVH_HOME" ] ||
    fail "packages are missing, and the clone cannot be written to: $PVH_HOME" "run npm start in a clone that you may write to"
  lock "$PVH_HOME/.pvh/set-up.lock" "this clone"
  if packages_missing; then
    say "installing packages with npm ci, about 15 s (the pinned Node 24 is one of them)"
    # The stamp goes first: a set-up killed half way is then done again.
    rm -f "$PVH_HOME/node_modules/.pvh-lock"
    shown "npm ci" npm_ci || fail "npm ci failed" "cd $PVH_HOME && npm ci --ignore-scripts"
    [ -x "$PVH_NODE" ] ||
      fail "npm left the pinned Node out: $PVH_NODE" "cd $PVH_HOME && npm ci --ignore-scripts --include=optional"
    cp "$PVH_HOME/package-lock.json" "$PVH_HOME/node_modules/.pvh-lock"
  fi
  unlock
}

# The pinned Node is an optional package beside pvh or above it; without it, the caller's own has to do.
find_node() {
  [ -f "$PVH_HOME/dist/harness/cli/main.js" ] ||
    fail "the package has no dist/: $PVH_HOME" "pack it with its scripts: npm pack --ignore-scripts=false"
  folder="$PVH_HOME"
  while [ -n "$folder" ]; do
    for PVH_NODE in "$folder"/node_modules/node-linux-*/bin/node; do
      [ -x "$PVH_NODE" ] && return 0
    done
    folder="${folder%/*}"
  done
  PVH_NODE="$(command -v node)" || fail "there is no Node" "install Node 24, or npm install --include=optional"
  # Node 22.18 is the first that strips types of itself, which scenarios need.
  "$PVH_NODE" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 18) ? 0 : 1)' ||
    fail "the pinned Node is not installed, and $("$PVH_NODE" --version) is too old" "npm install --include=optional"
}

# Options that the environment or an npmrc may have set otherwise: NODE_ENV=production leaves out
# what the tests need, omit=optional the pinned Node, dry-run everything.
npm_ci() {
  cache="$(npm config get cache 2>/dev/null)"
  mkdir -p "${cache:-/}" 2>/dev/null && [ -w "${cache:-/}" ] || cache="$PVH_HOME/.pvh/npm-cache"
  npm --prefix "$PVH_HOME" ci --ignore-scripts --loglevel=error --cache "$cache" \
    --include=dev --include=optional --global=false --dry-run=false --package-lock=true
}

packages_missing() {
  [ ! -x "$PVH_NODE" ] || ! cmp -s "$PVH_HOME/package-lock.json" "$PVH_HOME/node_modules/.pvh-lock"
}

set_up_engine() {
  engine_packages
  [ -n "$needed" ] || return 0
  if ! command -v apt-get >/dev/null; then
    # Without apt, mmdebstrap runs in a container; only the engine is indispensable.
    case "$needed" in *docker.io*) fail "no Docker engine in reach" "install Docker, or set DOCKER_HOST" ;; esac
    return 0
  fi
  lock /run/pvh-set-up.lock "this machine"
  engine_packages
  if [ -n "$needed" ]; then
    say "installing $needed with apt-get, up to a minute: the reference appengine is a Docker image made from Debian packages"
    # shellcheck disable=SC2086 # a list of packages
    shown apt-get install_debian_packages $needed ||
      fail "apt-get failed" "apt-get update && apt-get install -y --no-install-recommends $needed"
    say "installed $needed"
  fi
  unlock
}

# Sets needed to the Debian packages that are missing here. Only root can use them: others need
# a running engine, and get the reference image's file system from a container.
engine_packages() {
  needed=""
  engine_in_reach || needed="docker.io"
  if [ "$(id -u)" != 0 ]; then
    [ -z "$needed" ] ||
      fail "no Docker engine answers $(id -un)" "sudo sh -c 'apt-get update && apt-get install -y docker.io && usermod -aG docker $(id -un)', then log in again"
    return 0
  fi
  # mount and the keyring are only recommended by mmdebstrap, and it fails without them.
  (PATH="$PATH:/usr/sbin:/sbin"; command -v mmdebstrap >/dev/null) ||
    needed="${needed:+$needed }mmdebstrap mount"
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
    needed="${needed:+$needed }debian-archive-keyring"
}

# True when the user names an engine, when a daemon can be talked to, or dockerd is here to be started by pvh as root.
engine_in_reach() {
  [ -z "${DOCKER_HOST:-}${DOCKER_CONTEXT:-}${PVH_ENGINES:-}" ] || return 0
  if [ "$(id -u)" = 0 ] && (PATH="$PATH:/usr/sbin:/sbin"; command -v dockerd >/dev/null); then return 0; fi
  # A socket file alone proves nothing: it outlives its daemon.
  [ -S /var/run/docker.sock ] && "$PVH_NODE" -e '
    const socket = require("node:net").connect("/var/run/docker.sock");
    socket.on("connect", () => process.exit(0)).on("error", () => process.exit(1));'
}

# A policy-rc.d that says no keeps apt from starting dockerd: pvh runs a private one.
install_debian_packages() (
  guard=/usr/sbin/policy-rc.d
  if [ ! -e "$guard" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$guard" && chmod 755 "$guard"
    trap 'rm -f "$guard"' EXIT
    trap 'exit 130' INT TERM
  fi
  apt-get -o DPkg::Lock::Timeout=300 update &&
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
      install -y --no-install-recommends "$@"
)

# shown NAME COMMAND…: run it with its output in a log; say every 10 s how far it is, and show
# the end of the log when it fails.
shown() {
  name="$1"; shift
  log="$(mktemp)"
  ( seconds=0
    while sleep 10 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
      seconds=$((seconds + 10))
      say "$name: $seconds s  $(tail -n 1 "$log" | cut -c 1-100)"
    done ) 9>&- &
  ticker=$!
  # The command keeps the lock of its caller, even when the caller is killed.
  "$@" >"$log" 2>&1
  status=$?
  kill "$ticker" 2>/dev/null
  wait "$ticker" 2>/dev/null
  [ "$status" = 0 ] || tail -n 20 "$log" >&2
  rm -f "$log"
  return "$status"
}

# lock FILE WHAT … unlock: one set-up at a time; fd 9 holds it.
lock() {
  exec 9>"$1"
  flock -n 9 && return 0
  say "waiting for another set-up of $2"
  flock 9
}
unlock() { exec 9>&-; }
