# Functions that the scripts of pv-test@1 use, for an image that does not bring its own. Here tests
# run in the appengine itself, so that nothing has to be reached over ssh.

pvtest_log() {
	level=$1
	shift
	echo "[pvtest] $(date +%s) $level -- [test]: $*"
}

# wait_for_value COMMAND VALUE SECONDS: until the command prints it
wait_for_value() {
	local left="$3"
	while [ "$left" -gt 0 ]; do
		[ "$(eval "$1" 2>/dev/null)" = "$2" ] && return 0
		left=$((left - 1))
		sleep 1
	done
	return 1
}

# wait_for_status COMMAND STATUS SECONDS: until the command ends so
wait_for_status() {
	local left="$3" status
	while [ "$left" -gt 0 ]; do
		status=0
		eval "$1" || status=$?
		[ "$status" = "$2" ] && return 0
		left=$((left - 1))
		sleep 1
	done
	return 1
}

# wait_for_path [CONTAINER] PATH -a|-d: until it is there, or is gone; with three words in a container
wait_for_path() {
	local command wanted
	if [ $# -ge 3 ]; then
		command="pventer -c $1 ls $2"
		shift
	else
		command="test -e $1"
	fi
	case "$2" in -d) wanted=1 ;; *) wanted=0 ;; esac
	local left=30
	while [ "$left" -gt 0 ]; do
		if eval "$command" >/dev/null 2>&1; then [ "$wanted" = 0 ] && return 0; else [ "$wanted" = 1 ] && return 0; fi
		left=$((left - 1))
		sleep 1
	done
	return 1
}

# wait_for_process TEXT SECONDS -a|-d
wait_for_process() {
	local left="$2" found
	while [ "$left" -gt 0 ]; do
		found=$(ps ax 2>/dev/null | grep -v grep | grep -e "$1")
		case "$3" in
		-d) [ -z "$found" ] && return 0 ;;
		*) [ -n "$found" ] && return 0 ;;
		esac
		left=$((left - 1))
		sleep 1
	done
	return 1
}

devmeta_of() {
	pvcontrol devmeta ls | jq -r --arg key "$1" '.[$key]'
}

# wait_for_revision_state [CONTAINER] REVISION STATE
wait_for_revision_state() {
	[ $# -ge 3 ] && shift
	wait_for_value "devmeta_of pantavisor.revision" "$1" 120 || return 1
	wait_for_value "devmeta_of pantavisor.status" READY 60 || return 1
	wait_for_value "pvcontrol steps show-progress $1 | jq -r .status" "$2" 120
}

wait_for_pantahub_state() {
	[ $# -ge 2 ] && shift
	wait_for_value "devmeta_of pantahub.state" "$1" 30
}

wait_for_down() {
	local left="${1:-30}"
	while [ "$left" -gt 0 ]; do
		pvcontrol devmeta ls >/dev/null 2>&1 || return 0
		left=$((left - 1))
		sleep 1
	done
	return 1
}

wait_for_pvr_endpoint() {
	wait_for_status "curl -s http://localhost:12368/cgi-bin/pvr >/dev/null 2>&1" 0 "${1:-60}"
}

wait_for_target_ready() {
	wait_for_status "pvcontrol devmeta ls >/dev/null 2>&1" 0 120 || return 1
	[ -z "$2" ] || wait_for_value "devmeta_of pantavisor.revision" "$2" 120 || return 1
	wait_for_value "devmeta_of pantavisor.status" READY 120
}

wait_for_current_settled() {
	wait_for_target_ready "" ""
}

# On the appengine, which is another machine where PVTEST_EXEC says how to reach it.
pv_exec() {
	if [ -n "$PVTEST_EXEC" ]; then
		$PVTEST_EXEC "$(printf '%q ' "$@")"
	else
		command "$@"
	fi
}
# A Yocto image has its LXC containers elsewhere, and LXC's sockets are named by that path.
_pv_exec() {
	if [ "$2 $3" = "-P /usr/var/lib/lxc" ] && ! [ -d /usr/var/lib/lxc ]; then
		local tool="$1"
		shift 3
		set -- "$tool" "$@"
	fi
	pv_exec "$@"
}
pv_stage_file() {
	if [ -n "$PVTEST_EXEC" ]; then
		local staged="/tmp/pvtest_stage.$$.${1##*/}"
		$PVTEST_EXEC "cat >'$staged'" <"$1" || return 1
		echo "$staged"
	else
		echo "$1"
	fi
}
pv_unstage_file() {
	[ -z "$PVTEST_EXEC" ] || pv_exec rm -f "$1"
}
pv_fetch_file() { pv_exec cat "$1" >"$2"; }
pv_crash() { pv_exec killall pantavisor; }
pv_storage_dir() { pvcontrol conf ls | jq -r '.[] | select(.key == "PV_STORAGE_MNTPOINT") | .value'; }
