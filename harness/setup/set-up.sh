# Set-up of a clone, sourced by pvh, start, test and ok. POSIX sh; needs Node >= 20 and npm.
#
# npm runs no pre- and post-scripts under ignore-scripts, so every entry point calls
# this itself. It installs what is missing, says what and why on stderr, and is silent
# when nothing is missing.
#
#   PVH_HOME            the clone; set by the caller
#   set_up_packages     node_modules exactly as package-lock.json says; sets PVH_NODE
#   set_up_engine       a Docker engine and mmdebstrap, where apt can bring them

say() { printf 'pvh set-up: %s\n' "$*" >&2; }
fail() { say "$1"; [ -z "${2:-}" ] || say "  -> $2"; exit 3; }

set_up_packages() {
  case "$(uname -m)" in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) fail "no pinned Node for $(uname -m)" "pvh runs on x86_64 and aarch64 Linux" ;;
  esac
  PVH_NODE="$PVH_HOME/node_modules/node-linux-$arch/bin/node"
  stamp="$PVH_HOME/node_modules/.pvh-lock"
  if [ -f "$PVH_HOME/package-lock.json" ] && ! cmp -s "$PVH_HOME/package-lock.json" "$stamp"; then
    command -v npm >/dev/null || fail "npm is missing" "install Node 20 or newer with npm"
    say "installing packages with npm ci (the pinned Node 24 is one of them)"
    (cd "$PVH_HOME" && npm ci --ignore-scripts --loglevel=error >&2) ||
      fail "npm ci failed" "cd $PVH_HOME && npm ci --ignore-scripts"
    cp "$PVH_HOME/package-lock.json" "$stamp"
  fi
  [ -x "$PVH_NODE" ] || fail "the pinned Node is missing: $PVH_NODE" "rm -rf $PVH_HOME/node_modules; npm start"
}

set_up_engine() {
  needed=""
  engine_in_reach || needed="docker.io"
  PATH="$PATH:/usr/sbin:/sbin"
  command -v mmdebstrap >/dev/null || needed="$needed mmdebstrap"
  [ -n "$needed" ] || return 0
  install="apt-get update && apt-get install -y --no-install-recommends $needed"
  if ! command -v apt-get >/dev/null; then
    # Without apt, mmdebstrap runs in a container; only the engine is indispensable.
    case "$needed" in *docker.io*) fail "no Docker engine in reach" "install Docker, or set DOCKER_HOST" ;; esac
    return 0
  fi
  if [ "$(id -u)" != 0 ]; then
    case "$needed" in *docker.io*) fail "no Docker engine in reach" "sudo sh -c '$install'" ;; esac
    return 0
  fi
  say "installing$(printf ' %s' $needed) with apt-get: the reference appengine is a Docker image made from Debian packages"
  # Recommended packages would start services and bring a bridge; a policy-rc.d that
  # says no keeps apt from starting dockerd itself: pvh runs a private one.
  guard=""
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    guard=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$guard" && chmod 755 "$guard"
    trap 'rm -f "$guard"' EXIT INT TERM
  fi
  log="$(mktemp)"
  if ! (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $needed) >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    fail "apt-get failed" "$install"
  fi
  rm -f "$log"
  [ -z "$guard" ] || { rm -f "$guard"; trap - EXIT INT TERM; }
}

# True when a daemon can be talked to, or dockerd is here to be started by pvh as root.
engine_in_reach() {
  [ -z "${DOCKER_HOST:-}" ] || return 0
  [ ! -S /var/run/docker.sock ] || return 0
  [ "$(id -u)" = 0 ] && PATH="$PATH:/usr/sbin:/sbin" command -v dockerd >/dev/null
}
