#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What ends a run of the VM as failed, and `make run` a second time, without a network. Runs on
# the host, not in the toolbox.
set -u
cd "$(dirname "$0")/../.." || exit

log=build/logs/judge
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
bad=0

check() {
	name=$1
	shift
	n=$((n + 1))
	if "$@" >/dev/null 2>&1; then
		echo "ok $n - $name"
	else
		sed 's/^/# /' "$work/out"
		echo "not ok $n - $name"
		bad=1
	fi
}

# vm OPTION… - a run of the VM; its status in $rc.
vm() {
	rc=0
	tools/box/vm --kernel 6.12 --log $log "$@" >"$work/out" 2>&1 || rc=$?
}

says() { grep -q -e "$1" "$work/out"; }

# The processes of a run carry its mark.
kill_card() {
	for e in /proc/[0-9]*/environ; do
		p=${e%/environ}
		grep -qzx "MARU_RUN=$1" "$e" 2>/dev/null && grep -q '^build/bin/maru-card' "$p/cmdline" &&
			kill -KILL "${p#/proc/}" && return
	done
	return 1
}

echo "TAP version 13"
vm --run sh -c 'echo "WARNING: of a test" >/dev/kmsg; exit 0'
check "a warning of the kernel fails the run" test $rc = 125
check "... and is shown" says 'WARNING: of a test'
check "... with the folder of the logs" says "logs are in $log/"
check "... where both are" test -s $log/serial.log -a -f $log/card0.log

vm --run sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
check "so does a panic" test $rc = 125
check "... shown too" says 'Kernel panic'

vm --timeout 3 --run sleep 60
check "and a run that takes too long" test $rc = 125
check "... named as such" says 'not finished after 3 s'

MARU_RUN=judge-$$ tools/box/vm --kernel 6.12 --log $log --run sleep 60 >"$work/out" 2>&1 &
pid=$!
for _ in $(seq 100); do
	! kill_card judge-$$ || break
	sleep 0.1
done
rc=0
wait $pid || rc=$?
check "and the death of the card" test $rc = 125
check "... named with its status" says 'card 0 died with status -9'

vm --run sh -c 'exit 3'
check "else the status is the script's" test $rc = 3

user=
[ "$(id -u)" = 0 ] || user=--map-root-user
rc=0
unshare $user --net tools/run >"$work/out" 2>&1 || rc=$?
check "make run works without a network" test $rc = 0
check "... multiplies right, by numpy" says 'C is 512 x 512 float32; largest relative error'
check "... shows the card and its driver" says 'Initialized maru'
check "... and how fast it was" says 'GFLOP/s'
check "... lets a model write" says '^  | [A-Z]'
check "... shows the counters of the card" says 'packets'
check "... and what to try next" says '^Next: make quick'
echo "1..$n"
exit $bad
