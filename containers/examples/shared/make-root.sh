#!/bin/sh
# Cuts the root file system of the example containers out of the image this runs in: the named
# programs, the shared libraries they need, and Python. A tar of the examples' own files comes
# on stdin and is laid over it; the squashfs leaves on stdout. Same input, same bytes.
#
#   $1   further programs    $2   further files and folders, as patterns
#
# Its content is chosen, not what is left out: the file system travels to the appengine at
# each boot.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

programs="busctl busybox curl dash dbus-daemon dbus-monitor dbus-send dbus-test-tool env
  gdbus jq nc.openbsd python3 sleep socat stat stdbuf timeout $1"

# Debian's merged /usr, so that every path works whichever way it is spelled.
mkdir -p "$root"
cd "$root"
mkdir -p dev etc proc run sys tmp root var usr/bin usr/lib usr/lib64
ln -s usr/bin bin
ln -s usr/bin sbin
ln -s usr/lib lib
ln -s usr/lib64 lib64
ln -s bin usr/sbin
ln -s /run var/run
ln -s /tmp var/tmp
chmod 1777 tmp

# A symlink in the image becomes the file it leads to, under the name that was asked for.
copy() { mkdir -p "$root${1%/*}" && cp -L "$1" "$root$1"; }

for program in $programs; do
  # Named in full when it is missing: `cp` then says which.
  cp -L "$(command -v "$program" || echo "$program")" "usr/bin/$program"
done
ln -s dash usr/bin/sh
ln -s nc.openbsd usr/bin/nc

# Python without what needs a terminal, a database or a compiler, and without its own tests.
python_without="test idlelib tkinter turtledemo turtle.py ensurepip venv distutils lib2to3 pydoc*
  unittest doctest.py config-* curses dbm sqlite3 xml* wsgiref multiprocessing _codecs_* _curses*
  _dbm* _gdbm* _sqlite3* _test* _xx* nis.* readline.* audioop.* __pycache__"
version=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
mkdir -p "usr/lib/$version" usr/lib/python3/dist-packages
set -f
excludes=$(printf -- ' --exclude=%s' $python_without)
tar -c $excludes -C "/usr/lib/$version" . | tar -x -C "usr/lib/$version"
tar -c $excludes -C /usr/lib/python3/dist-packages jeepney | tar -x -C usr/lib/python3/dist-packages
set +f

# Patterns that match nothing stay as they are, and tar then says which.
for path in $2; do (cd / && tar -ch .$path) | tar -x -C "$root"; done

# Libraries that all of them link to, with the loader; stdbuf loads its library by name.
copy /usr/libexec/coreutils/libstdbuf.so
find usr -type f \( -perm -100 -o -name '*.so' \) -exec ldd {} + 2>/dev/null |
  sed -n 's|^\t\(.* => \)\{0,1\}\(/[^ ]*\) (0x.*|\2|p' | sort -u |
  while read -r library; do [ -e "$root$library" ] || copy "$library"; done

# Where there is no program of that name, busybox is it.
for applet in $(busybox --list); do
  [ -e "usr/bin/$applet" ] || [ -L "usr/bin/$applet" ] || ln -s busybox "usr/bin/$applet"
done

# A folder that is there already keeps its mode, and a link to one stays a link.
tar -x --no-overwrite-dir --keep-directory-symlink -C "$root"

# Compiled modules only: half the size, and Python starts three times faster. Their times are
# not looked at, as squashfs has its own.
python3 - "$root/usr/lib" "$version" <<'PYTHON'
import compileall, pathlib, py_compile, sys

lib, version = sys.argv[1:]
for folder in (version, "python3/dist-packages"):
    compiled = compileall.compile_dir(
        f"{lib}/{folder}", ddir=f"/usr/lib/{folder}", quiet=1, legacy=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        sys.exit(f"{folder}: not all of its Python compiles")
    for source in pathlib.Path(lib, folder).rglob("*.py"):
        source.unlink()
PYTHON

mksquashfs "$root" "$work/squashfs" -comp zstd -Xcompression-level 12 -all-root -all-time 0 \
  -mkfs-time 0 -no-xattrs -no-exports -noappend -no-progress -quiet 1>&2
cat "$work/squashfs"
