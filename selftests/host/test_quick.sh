#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# `make quick` as README.md has it, with what is built. Runs on the host, not in the toolbox.
set -u
cd "$(dirname "$0")/../.." || exit

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
bad=0

check() {
	name=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n - $name"
	else
		sed 's/^/# /' "$work/out" "$work/err"
		echo "not ok $n - $name"
		bad=1
	fi
}

# quick ARG… - what a user types; its status in $rc.
quick() {
	rc=0
	make --no-print-directory quick "$@" >"$work/out" 2>"$work/err" || rc=$?
}

says() { grep -q -e "$1" "$work/$2"; }

# Nothing but the program's one line and make's own.
refused() { [ $rc = 2 ] && [ ! -s "$work/out" ] && [ "$(grep -vc '^make[:[]' "$work/err")" = 1 ]; }

# The program by itself, on a card of its own.
same_text() {
	tools/box/enter env ACCEL_DEVICE=direct build/bin/generate "$@" >"$work/want" 2>/dev/null &&
		cmp -s "$work/want" "$work/out"
}

quick
check "it ends well" test $rc = 0
check "... with 120 tokens of text" says '^written  *120 tokens of 1 texts' err
check "... which are those of the program" same_text
check "... by the direct way" says '^card  *direct .*/maru-card' err
check "... and where the time went" says '^  waiting .* us .* %$' err

quick PROMPT="She said \"it's\" of 3 * 4" N=12
check "a prompt and a number are taken" test $rc = 0
check "... the text begins with the prompt" says "^She said \"it's\" of 3 \* 4" out
check "... and goes on for that many tokens" says '^written  *12 tokens' err
check "... those of the program" same_text -p "She said \"it's\" of 3 * 4" -n 12

quick N=0
check "a number that is none is refused in a line" refused
check "... which names it" says "^generate: -n: '0' is not 1 to" err
quick N=ten
check "and so is a word" refused
rc=0
tools/quick -n 5 >"$work/out" 2>"$work/err" || rc=$?
check "and an argument of the script" refused
check "... which says how" says '^usage: make quick' err
echo "1..$n"
exit $bad
