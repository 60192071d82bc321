#!/bin/sh
# Build the WebAssembly guests of the examples and the scenarios from their sources.
#
#   containers/guests/build.sh [FOLDER]
#
# The modules are put beside their sources, or below FOLDER with the same paths. They need:
#   C               Debian's clang 14, lld, wasi-libc and libclang-rt-14-dev-wasm32
#   AssemblyScript  asc of the npm package assemblyscript 0.28.20
#   text format     wat2wasm of the npm package wabt 1.0.39
# The last two are looked for in PATH: PATH=…/node_modules/.bin:$PATH containers/guests/build.sh
# SHA256SUMS keeps which module was built of which source; guests.test.ts compares.
set -eu
cd -- "$(dirname -- "$0")/../.."
out=${1:-.}
guests=containers/guests
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

target() {
  mkdir -p "$out/$(dirname -- "$1")"
  echo "$out/$1"
}

c() {
  clang --target=wasm32-wasi --sysroot=/usr -Os -Wall -Wextra -Werror -Wl,--strip-all \
    -I "$guests/include" "$1" -o "$(target "$2")"
  chmod 644 "$out/$2"
}

# asc takes files of the extension .ts alone, which the project's own checks would take for theirs.
assemblyscript() {
  cp -- "$1" "$temporary/guest.ts"
  (cd "$temporary" && asc guest.ts -o guest.wasm -Oz --runtime incremental --use abort=)
  cp -- "$temporary/guest.wasm" "$(target "$2")"
}

c containers/examples/pv-example-wasm-client/client.c containers/examples/pv-example-wasm-client/module.wasm
assemblyscript containers/examples/pv-example-wasm-server/server.as containers/examples/pv-example-wasm-server/module.wasm
c scenarios/wasm/guests/probe.c scenarios/wasm/guests/probe.wasm
for source in scenarios/wasm/guests/*.wat; do
  wat2wasm "$source" -o "$(target "${source%.wat}.wasm")"
done

if [ "$out" = . ]; then
  find containers scenarios/wasm/guests \( -name '*.wasm' -o -name '*.wat' -o -name '*.as' -o -name '*.[ch]' \
    -o -path "$guests/build.sh" \) -type f | LC_ALL=C sort | xargs sha256sum >"$guests/SHA256SUMS"
fi
