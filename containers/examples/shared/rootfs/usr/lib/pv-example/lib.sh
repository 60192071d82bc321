# Sourced by the example programs.
#
# A container's program is PID 1, for which signals have no default action: without these traps
# a stop (TERM, or PWR from LXC) would wait for its timeout. dash runs a trap only between
# commands, so whatever takes long runs in the background and is waited for.
trap 'exit 0' TERM PWR INT

# nap SECONDS: sleep that long, divided by PVH_TIME_SCALE.
nap() {
  sleep "$(awk -v s="$1" -v scale="${PVH_TIME_SCALE:-1}" 'BEGIN { printf "%.3f", s / scale }')" &
  wait $!
}

# wait_for TEST PATH TRIES: until `[ TEST PATH ]` holds, at most TRIES times 50 ms.
wait_for() {
  tries=$3
  until [ "$1" "$2" ]; do
    [ "$tries" -gt 0 ] || return 1
    tries=$((tries - 1))
    sleep 0.05 &
    wait $!
  done
}

# await_socket PATH: say once that the socket is missing, and return when it is there.
await_socket() {
  [ -S "$1" ] && return
  echo "Socket not found: $1; waiting for it"
  until wait_for -S "$1" 20; do :; done
}
