# Turn the reference appengine into one as published images are: busybox in place of Debian's
# tools, and no Python, curl, jq, lxc-attach, nsenter or stdbuf. What its own programs need stays.
set -e
kept=' bzip2 dbus-daemon env fusermount3 ip losetup lxc-attach curl mksquashfs mount nft node pantavisor pv-appengine
 pv-xconnect pvcontrol pvcurl pventer pvtx runc umount unsquashfs xz '
mkdir -p /usr/libexec/pantavisor
cp /usr/bin/curl /usr/bin/lxc-attach /usr/libexec/pantavisor/
cp /usr/bin/busybox /usr/libexec/pantavisor/busybox
busybox=/usr/libexec/pantavisor/busybox
$busybox mv /usr/bin/curl /usr/bin/lxc-attach /tmp/
for program in $($busybox ls /usr/bin /usr/sbin); do
	case "$kept" in *" $program "*) continue ;; esac
	case "$program" in lxc-* | pv*) continue ;; esac
	$busybox rm -f "/usr/bin/$program" "/usr/sbin/$program"
done
$busybox rm -rf /tmp/curl /tmp/lxc-attach /usr/lib/python3* "$0"
$busybox mkdir -p /usr/bin
for applet in $($busybox --list); do
	[ -e "/usr/bin/$applet" ] || [ -e "/usr/sbin/$applet" ] || $busybox ln -s $busybox "/usr/bin/$applet"
done
