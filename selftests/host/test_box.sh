#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The toolbox and what runs in it leave the host alone. Runs on the host, not in the toolbox.
#
#   test_box.sh           set-up that is interrupted or doubled, ways to end, with a small recipe
#   test_box.sh --before  note the state of the host
#   test_box.sh --after   compare it
set -u
cd "$(dirname "$0")/../.." || exit

note=$PWD/build/box-before
n=0
bad=0

point() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		bad=1
	fi
}

# check NAME CMD… - a point that CMD decides.
check() {
	name=$1
	shift
	rc=0
	"$@" >"$work/out" 2>&1 || rc=$?
	[ $rc = 0 ] || sed 's/^/# /' "$work/out"
	point $rc "$name"
}

finish() {
	echo "1..$n"
	exit $bad
}

# --- the state of the host ----------------------------------------------------------------

packages() { dpkg-query -W -f '${Package} ${Version} ${Status}\n' 2>/dev/null | sort; }
sockets() { ls -d /tmp/vm.* /tmp/kvm.* 2>/dev/null; }
mounts() { awk '{ print $5, $6 }' /proc/self/mountinfo | sort; }
# Processes of this run carry its mark in their environment.
of_run() {
	for e in /proc/[0-9]*/environ; do
		p=${e%/environ}
		p=${p#/proc/}
		[ "$p" != $$ ] || continue
		grep -qzx "MARU_RUN=$1" "$e" 2>/dev/null &&
			echo "$p $(tr '\0' ' ' 2>/dev/null <"/proc/$p/cmdline")"
	done
}

# gone MARK - no process with that mark, a moment later.
gone() {
	for _ in $(seq 40); do
		[ -n "$(of_run "$1")" ] || return 0
		sleep 0.05
	done
	of_run "$1"
	return 1
}

before() {
	mkdir -p "$note"
	packages >"$note/packages"
	dpkg --audit >"$note/audit" 2>&1
	mounts >"$note/mounts"
	sockets >"$note/sockets"
	touch "$note/stamp"
}

after() {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	echo "TAP version 13"
	if [ ! -f "$note/stamp" ]; then
		echo "1..0 # SKIP nothing noted: test_box.sh --before"
		exit
	fi
	packages >"$work/packages"
	dpkg --audit >"$work/audit" 2>&1
	mounts >"$work/mounts"
	check "packages are what they were" diff "$note/packages" "$work/packages"
	check "dpkg --audit says what it said" diff "$note/audit" "$work/audit"
	check "mounts are what they were" diff "$note/mounts" "$work/mounts"
	find /etc /usr /var/lib/dpkg -newer "$note/stamp" -not -type p 2>/dev/null >"$work/new"
	check "nothing is new in /etc, /usr and /var/lib/dpkg" diff /dev/null "$work/new"
	of_run "${MARU_RUN:-none}" | grep -v -e test_box -e tools/test -e tools/suite >"$work/left"
	check "no process of the run is left" diff /dev/null "$work/left"
	sockets >"$work/sockets"
	check "no folder of sockets is left" diff "$note/sockets" "$work/sockets"
	finish
}

# --- set-up with a small recipe -----------------------------------------------------------

small_recipe() {
	cat >"$1" <<-'END'
		echo run >>"$COUNT"
		mkdir -p "$1/etc" "$1/usr/bin"
		[ -z "${SLOW:-}" ] || sleep "$SLOW"
		[ -z "${BREAK:-}" ] || { echo "E: no such mirror"; exit 1; }
		echo "toolbox: done"
	END
}

wait_for() {
	for _ in $(seq 100); do
		[ ! -e "$1" ] || return 0
		sleep 0.05
	done
	return 1
}

setup_cases() {
	export MARU_BOX_RECIPE="$work/recipe" MARU_BOX_CACHE="$work/cache" COUNT="$work/count"
	small_recipe "$work/recipe"
	root=$(tools/box/box --path)

	check "a recipe that fails fails the set-up" sh -c '! BREAK=1 tools/box/box'
	check "... and says why in one line" sh -c \
		'BREAK=1 tools/box/box 2>&1 >/dev/null | grep -q "making the toolbox failed: E: no such mirror"'
	check "... and leaves nothing that looks whole" test ! -e "$root"

	SLOW=20 MARU_RUN=cut-$$ tools/box/box >/dev/null 2>&1 &
	pid=$!
	wait_for "$root.new/usr"
	kill -9 $pid
	wait $pid 2>/dev/null
	check "killed in the middle: nothing looks whole" test ! -e "$root"
	check "... and the next run makes it" sh -c "timeout 30 tools/box/box"
	check "... whole, with no rest of the first" sh -c \
		"test -f $root/etc/maru-toolbox && test ! -e $root.new"
	check "... and no process of the first is left" gone cut-$$

	rm -rf "$root"
	: >"$COUNT"
	SLOW=1 tools/box/box >"$work/one" 2>/dev/null &
	one=$!
	SLOW=1 tools/box/box >"$work/two" 2>/dev/null
	two=$?
	wait $one
	check "two runs at once: both end well" test "$?$two" = 00
	check "... with the same toolbox" cmp "$work/one" "$work/two"
	check "... made once" test "$(wc -l <"$COUNT")" = 1
	: >"$COUNT"
	check "a third run makes nothing" sh -c "tools/box/box && test ! -s $COUNT"
	echo "# another" >>"$work/recipe"
	check "another recipe is another toolbox" test "$(tools/box/box --path)" != "$root"
	check "--remove leaves nothing" sh -c "tools/box/box --remove && test ! -e $MARU_BOX_CACHE"

	# A machine without mmdebstrap, a user who can not install it.
	if [ "$(id -u)" = 0 ]; then
		mkdir "$work/bin"
		find /usr/bin /bin -mindepth 1 ! -name mmdebstrap -exec ln -sf {} "$work/bin/" \;
		chmod 755 "$work"
		mkdir -m 777 "$work/theirs"
		export MARU_BOX_CACHE="$work/theirs/maru"
		check "a user without mmdebstrap is told the one line" sh -c "
			cp -r tools/box $work/box && chmod -R a+rX $work/box &&
			PATH=$work/bin setpriv --reuid=65534 --regid=65534 --clear-groups \
				$work/box/box 2>&1 | tee /dev/stderr |
			grep -qx 'toolbox: this machine lacks a package: sudo apt-get install mmdebstrap.*'"
	else
		n=$((n + 1))
		echo "ok $n # SKIP dropping root needs root"
	fi
	unset MARU_BOX_RECIPE MARU_BOX_CACHE COUNT
}

# --- commands in the toolbox --------------------------------------------------------------

# shellcheck disable=SC2016	# what must stay unexpanded
enter_cases() {
	mounts >"$work/mounts"
	tools/box/enter sh -c 'exit 42'
	check "the exit code passes through" test $? = 42
	check "stdin and stdout pass through" test "$(echo word | tools/box/enter cat)" = word
	check "arguments stay whole" test "$(tools/box/enter printf '%s|' 'a  b' "c'd" '$e')" = "a  b|c'd|\$e|"
	check "inside, it just runs the command" test \
		"$(tools/box/enter tools/box/enter sh -c 'echo $PPID')" != ""
	check "it works without a terminal" setsid -w tools/box/enter true
	tools/box/enter sh -c "mkdir -p build && echo x >build/owner.$$"
	check "what it makes is the caller's" test "$(stat -c %u build/owner.$$)" = "$(id -u)"
	rm -f build/owner.$$
	check "the toolbox can not be written to" sh -c '! tools/box/enter touch /usr/x 2>/dev/null'

	for signal in INT TERM HUP KILL; do
		MARU_RUN=enter-$signal-$$ setsid tools/box/enter sh -c 'sleep 300 & sleep 301' &
		pid=$!
		sleep 0.7
		[ $signal != INT ] || signal=TERM	# background jobs of a script ignore INT
		kill -$signal $pid
		wait $pid 2>/dev/null
		check "SIG$signal leaves no process" gone enter-$signal-$$
	done
	mounts >"$work/mounts2"
	check "no mount is left" diff "$work/mounts" "$work/mounts2"
}

vm_cases() {
	[ -z "${MARU_NO_VM:-}" ] || return
	for signal in TERM KILL; do
		MARU_RUN=vm-$signal-$$ setsid tools/box/vm --cards 0 --accel tcg --log build/logs/box-vm \
			--run sleep 100 >"$work/vm" 2>&1 &
		pid=$!
		sleep 4
		of_run vm-$signal-$$ | grep -q qemu-system
		point $? "a VM runs"
		kill -$signal $pid
		wait $pid 2>/dev/null
		check "SIG$signal leaves nothing of it" gone vm-$signal-$$
	done
}

case ${1:-} in
--before) before ;;
--after) after ;;
*)
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	echo "TAP version 13"
	setup_cases
	enter_cases
	vm_cases
	finish ;;
esac
